"""Names of the files in the folder of a run."""

RECIPE_FILE = "recipe.toml"
MODEL_FILE = "gan.keras"
SNAPSHOTS = "snapshots"
