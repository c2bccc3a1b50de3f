# Trains on the CPU, and does everything else that gan-zoo does. From the folder of pyproject.toml:
#   docker build -f export/docker/train.Dockerfile -t gan-zoo .
FROM python:3.12-slim
WORKDIR /package
COPY pyproject.toml README.md LICENSE ./
COPY keras_gan_zoo ./keras_gan_zoo
RUN pip install --no-cache-dir ".[hub]"
RUN useradd --create-home trainer && mkdir /work && chown trainer /work
USER trainer
WORKDIR /work
ENTRYPOINT ["gan-zoo"]
CMD ["--help"]
