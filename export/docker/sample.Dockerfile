# Only samples from an exported generator: no TensorFlow, no Keras, not this package. From the folder of pyproject.toml:
#   docker build -f export/docker/sample.Dockerfile -t gan-sample .
FROM python:3.12-slim
RUN pip install --no-cache-dir numpy onnxruntime pillow
COPY export/onnxruntime/sample.py /program/sample.py
RUN useradd --create-home sampler && mkdir /work && chown sampler /work
USER sampler
WORKDIR /work
ENTRYPOINT ["python", "/program/sample.py"]
CMD ["--help"]
