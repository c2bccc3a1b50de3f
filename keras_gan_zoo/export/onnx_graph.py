"""Changes to ONNX graphs: a canonical form, which depends only on what they compute, pixels, and metadata."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

import onnx
from onnx import TensorProto, helper, numpy_helper

from keras_gan_zoo.core.version import __version__
from keras_gan_zoo.onnx_file import DIGEST, digest_of

PLACE_OF_DIGEST = "0" * hashlib.sha256().digest_size * 2


def canonical(model: onnx.ModelProto, axes: dict[str, tuple[str | int, ...]]) -> onnx.ModelProto:
    """The same graph with nodes, names and weights in an order given by a walk from its output.

    tf2onnx numbers names by global counters and orders nodes by sets, so its files differ from run to run. The order is
    also topological, which the conversion to float16 does not ensure. The passes of onnx-ir keep any valid order and
    names, so they would not make files equal.

    Args:
        model: A model with one output.
        axes: The dimensions of the inputs and of the output "images"; names are those of free ones.
    """
    graph = model.graph
    inputs = [_with_axes(each, each.name, axes) for each in sorted(graph.input, key=lambda v: v.name != "noise")]
    output = _with_axes(graph.output[0], "images", axes)
    names = {**{value.name: value.name for value in graph.input}, graph.output[0].name: output.name}
    order = _topological_order(graph)
    weights = {tensor.name: tensor for tensor in graph.initializer}
    read = [name for node in order for name in _reads(node) if name in weights]
    for number, name in enumerate(dict.fromkeys(read)):
        names[name] = f"weight_{number}"
    _number(order, names)
    initializers = [_renamed_tensor(weights[name], names[name]) for name in dict.fromkeys(read)]
    renamed = helper.make_graph(order, "generator", inputs, [output], initializers)
    used = {"", *(node.domain for node in nodes(renamed))}
    opsets = sorted((opset for opset in model.opset_import if opset.domain in used), key=lambda opset: opset.domain)
    return helper.make_model(
        renamed,
        opset_imports=opsets,
        ir_version=model.ir_version,
        producer_name="keras_gan_zoo",
        producer_version=__version__,
    )


def with_pixels(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same generator with images in uint8, computed as in `pictures.to_uint8`: halves are rounded to even."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    graph = copy.graph
    for node in graph.node:
        for position, name in enumerate(node.output):
            if name == "images":
                node.output[position] = "scaled"
    constants = {"one": 1.0, "levels": 127.5, "lowest": 0.0, "highest": 255.0}
    graph.initializer.extend(helper.make_tensor(name, TensorProto.FLOAT, (), [v]) for name, v in constants.items())
    graph.node.extend(
        [
            helper.make_node("Add", ["scaled", "one"], ["raised"]),
            helper.make_node("Mul", ["raised", "levels"], ["in_levels"]),
            helper.make_node("Round", ["in_levels"], ["rounded"]),
            helper.make_node("Clip", ["rounded", "lowest", "highest"], ["clipped"]),
            helper.make_node("Cast", ["clipped"], ["images"], to=TensorProto.UINT8),
        ]
    )
    graph.output[0].type.tensor_type.elem_type = TensorProto.UINT8
    return copy


def to_bytes(model: onnx.ModelProto, metadata: dict[str, str]) -> bytes:
    """The bytes of a file with metadata and a digest, which detects any changed byte; checked by `onnx.checker`."""
    model.ClearField("metadata_props")
    helper.set_model_props(model, {**dict(sorted(metadata.items())), DIGEST: PLACE_OF_DIGEST})
    onnx.checker.check_model(model, full_check=True)
    content = model.SerializeToString(deterministic=True)
    entry = f"{DIGEST}\x12@".encode()  # as protocol buffers store key and value
    return content.replace(entry + PLACE_OF_DIGEST.encode(), entry + digest_of(content).encode())


def nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """All nodes, including those of loops and branches."""
    for node in graph.node:
        yield node
        for inner in _graphs_of(node):
            yield from nodes(inner)


def _graphs_of(node: onnx.NodeProto) -> list[onnx.GraphProto]:
    return [attribute.g for attribute in node.attribute if attribute.type == onnx.AttributeProto.GRAPH]


def _with_axes(value: onnx.ValueInfoProto, name: str, axes: dict) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, value.type.tensor_type.elem_type, axes[name])


def _reads(node: onnx.NodeProto) -> list[str]:
    """Names that a node reads, also in the subgraphs within it."""
    return [*node.input, *(name for inner in _graphs_of(node) for name in _read_within(inner))]


def _read_within(graph: onnx.GraphProto) -> list[str]:
    return [*(name for node in graph.node for name in _reads(node)), *(value.name for value in graph.output)]


def _topological_order(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """Copies, with sorted attributes, of the nodes that the output needs, in topological order."""
    makers = {name: node for node in graph.node for name in node.output}
    order, seen, waiting = [], set(), [(makers[graph.output[0].name], False)]
    while waiting:
        node, is_ready = waiting.pop()
        if is_ready:
            order.append(_sorted_copy(node))
        elif id(node) not in seen:
            seen.add(id(node))
            needed = [makers[name] for name in _reads(node) if name in makers]
            waiting += [(node, True), *((maker, False) for maker in reversed(needed))]
    return order


def _sorted_copy(node: onnx.NodeProto) -> onnx.NodeProto:
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    copy.doc_string = ""
    attributes = sorted(copy.attribute, key=lambda attribute: attribute.name)
    del copy.attribute[:]
    copy.attribute.extend(attributes)
    for attribute in copy.attribute:
        if attribute.HasField("t"):
            attribute.t.ClearField("name")
    return copy


def _number(order: Iterable[onnx.NodeProto], names: dict[str, str], within: str = "") -> None:
    """Renames nodes and their outputs by position; `names` has the new names so far."""
    for number, node in enumerate(order):
        node.name = f"{within}{node.op_type}_{number}"
        for branch, inner in enumerate(_graphs_of(node)):
            _number_within(inner, names, f"{node.name}/{branch}/")
        for position, name in enumerate(node.output):
            if name:
                names.setdefault(name, f"{node.name}_{position}")
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]


def _number_within(graph: onnx.GraphProto, names: dict[str, str], within: str) -> None:
    """Renames the nodes of a loop or a branch, which also reads names from outside."""
    for position, value in enumerate([*graph.input, *graph.initializer]):
        names[value.name] = value.name = f"{within}{position}"
    _number(graph.node, names, within)
    for value in graph.output:
        value.name = names.get(value.name, value.name)
    del graph.value_info[:]


def _renamed_tensor(tensor: onnx.TensorProto, name: str) -> onnx.TensorProto:
    """A tensor with a new name, and with its numbers as raw bytes, whichever format the converter has chosen."""
    return numpy_helper.from_array(numpy_helper.to_array(tensor), name)
