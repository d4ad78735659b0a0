"""Models whose modules are functions of the file, as exporters keep them.

`keep_modules(model, layers, gelus)` takes ranges of nodes out of a model of exporter.py: each gelu becomes a call
of one function, each layer a call of one of its own, which calls a function for its softmax with the axis as an
attribute. The model means what it meant.
"""

from onnx import AttributeProto, ModelProto, helper

DOMAIN = "modules"


def function(model, name, inputs, outputs, nodes, attributes=()):
    imports = [helper.make_opsetid("", model.opset_import[0].version), helper.make_opsetid(DOMAIN, 1)]
    model.functions.append(helper.make_function(DOMAIN, name, inputs, outputs, nodes, imports,
                                                list(attributes)))


def borders(nodes, others):
    """What `nodes` read from outside, in order, and what the names `others` read of them."""
    made = {name for node in nodes for name in node.output}
    read = dict.fromkeys(name for node in nodes for name in node.input if name and name not in made)
    return list(read), [name for node in nodes for name in node.output if name in others]


def call(name, inputs, outputs, **attributes):
    return helper.make_node(name, inputs, outputs, name=f"/{name}/{outputs[0]}", domain=DOMAIN,
                            **attributes)


def keep_modules(model, layers, gelus):
    result = ModelProto()
    result.CopyFrom(model)
    del result.graph.node[:]
    result.opset_import.append(helper.make_opsetid(DOMAIN, 1))
    axis = helper.make_node("Softmax", ["x"], ["y"])
    axis.attribute.append(AttributeProto(name="axis", ref_attr_name="axis", type=AttributeProto.INT))
    function(result, "softmax", ["x"], ["y"], [axis], ["axis"])
    nodes, kept = list(model.graph.node), {}
    for first, last in gelus:  # all are one function of one operand
        part = nodes[first:last]
        read, made = borders(part, {name for node in nodes[last:] for name in node.input})
        if not kept:
            function(result, "gelu", read, made, part)
        kept[first] = call("gelu", read, made)
    inside = {i for first, last in gelus for i in range(first + 1, last)}
    nodes = [call("softmax", n.input, n.output, axis=helper.get_attribute_value(n.attribute[0]))
             if n.op_type == "Softmax" else kept.get(i, n) for i, n in enumerate(nodes)]
    needed = {output.name for output in model.graph.output}
    for index, (first, last) in enumerate(layers):
        part = [nodes[i] for i in range(first, last) if i not in inside]
        outside = needed | {name for i, node in enumerate(nodes) if not first <= i < last
                            for name in node.input}
        read, made = borders(part, outside)
        function(result, f"layer{index}", read, made, part)
        kept[first] = call(f"layer{index}", read, made)
        inside |= set(range(first + 1, last))
        nodes[first] = kept[first]
    result.graph.node.extend(n for i, n in enumerate(nodes) if i not in inside)
    return result
