"""The models, one paper and one file each."""
