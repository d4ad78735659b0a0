"""Graphs and nodes."""

import numpy as np
from onnx import AttributeProto, TensorProto, helper

from onnx_files import model, node, tensor, value
from refusal_cases import CASES, case, linear, one


@case(r'node "/A" \(Relu\) is in, or depends on, a cycle')
def cycle(path):
    return model([node("Relu", "b", "a", "/A"), node("Relu", "a", "b", "/B")], [],
                 [value("b", [2])])


@case(r'node "/B" \(Relu\) makes the value "a", which is there already')
def duplicate_value(path):
    return model([node("Relu", "x", "a", "/A"), node("Relu", "x", "a", "/B")],
                 [value("x", [2])], [value("a", [2])])


@case(r'node "/A" \(Relu\) makes the value "x", which is there already')
def value_is_input(path):
    return model([node("Relu", "x", "x", "/A")], [value("x", [2])], [value("x", [2])])


@case(r'node "/A" \(Relu\) is in, or depends on, a cycle')
def cycle_of_one(path):
    return model([node("Relu", "a", "a", "/A")], [], [value("a", [2])])


@case(r'node "/A" \(Relu\): its input "nowhere" does not exist')
def missing_input(path):
    return model([node("Relu", "nowhere", "a", "/A")], [], [value("a", [2])])


@case('output "nothing" is made by no node')
def missing_output(path):
    return model([node("Relu", "x", "a")], [value("x", [2])], [value("nothing", [2])])


@case("the graph has no outputs")
def no_outputs(path):
    return model([node("Relu", "x", "a")], [value("x", [2])], [])


@case('output "a" occurs twice')
def output_twice(path):
    return model([node("Relu", "x", "a")], [value("x", [2])], [value("a", [2])] * 2)


@case('output "a" is said to be int64')
def output_type(path):
    return model([node("Relu", "x", "a")], [value("x", [2])],
                 [value("a", [2], TensorProto.INT64)])


@case('input "x" occurs twice')
def input_twice(path):
    return model([node("Relu", "x", "a")], [value("x", [2])] * 2, [value("a", [2])])


@case('input "x": dimension -2 is negative')
def input_negative(path):
    return model([node("Relu", "x", "a")], [value("x", [-2])], [value("a", [2])])


@case('input "x": element type string is not supported')
def input_strings(path):
    return model([node("Relu", "x", "a")], [value("x", [2], TensorProto.STRING)],
                 [value("a", [2])])


@case('input "x" has no shape: its rank must be known')
def input_without_shape(path):
    return model([node("Relu", "x", "a")], [value("x", None)], [value("a", [2])])


@case(r'has free dimensions: "x" \[batch, 3, \?\]; give sizes with --bind')
def free_dimensions(path):
    return model([node("Relu", "x", "a")], [value("x", ["batch", 3, None])],
                 [value("a", None)])


@case(r'3 operators are not supported: node "/a" \(NonZero\), node "/b" \(Mystery\) of domain '
      r'"example", node 2 \(Loop\)')
def unknown_operators(path):
    proto = model([node("NonZero", "x", "a", "/a"),
                   node("Mystery", "a", "b", "/b", domain="example"),
                   node("Loop", "b", "y")], [value("x", [2])], [value("y", None)])
    proto.graph.node[2].name = ""
    return proto


@case(r'2 operators are not supported: node "/if" \(If\), '
      r'node "/inner" \(NonZero\) in "then_branch" of node "/if" \(If\)$')
def operators_in_subgraphs(path):
    branch = helper.make_graph([node("Relu", "x", "r"), node("NonZero", "r", "b", "/inner")], "g",
                               [], [value("b", None)])
    proto = model([node("If", "c", "y", "/if")],
                  [value("x", [2]), value("c", [], TensorProto.BOOL)], [value("y", None)])
    proto.graph.node[0].attribute.append(helper.make_attribute("then_branch", branch))
    return proto


@case(r'2 operators are not supported: node "/g" \(FastGelu\) of domain "com.microsoft", '
      r'node "/r" \(Relu\) of domain "com.microsoft"')
def other_domains(path):
    """A known name in another domain is another operator."""
    return model([node("FastGelu", "x", "a", "/g", domain="com.microsoft"),
                  node("Relu", "a", "y", "/r", domain="com.microsoft")], [value("x", [2])],
                 [value("y", [2])])


@case(r'1200 operators are not supported: .* and 200 more$')
def many_unknown_operators(path):
    nodes = [node("Mystery", f"v{i}", f"v{i + 1}", f"/{i}") for i in range(1200)]
    return model(nodes, [value("v0", [2])], [value("v1200", [2])])


@case(r'node "/N" \(Unsqueeze\): .*has no axes')
def unsqueeze_without_axes(path):
    return one("Unsqueeze", "x", [[2]])


@case(r'node "/N" \(LayerNormalization\): its output "mean" is used: only the first 1 can be')
def output_that_is_not_made(path):
    nodes = [node("LayerNormalization", "x s", "y mean", "/N"), node("Relu", "mean", "z", "/R")]
    return model(nodes, [value("x", [2, 4])], [value("y", [2, 4]), value("z", [2, 1])],
                 [tensor("s", np.ones(4, np.float32))], opset=17)


@case(r'node "/N" \(Relu\): has 65 attributes, the most are 64')
def many_attributes(path):
    return one("Relu", "x", [[2]], **{f"a{i}": 1 for i in range(65)})


@case(r'node "/N" \(Gemm\): alpha must be finite')
def infinite_alpha(path):
    return one("Gemm", "x z", [[2, 3], [3, 2]], alpha=float("inf"))


@case(r'node "/N" \(Gemm\): attribute "beta" is not a number \(NaN\)')
def nan_beta(path):
    return one("Gemm", "x z", [[2, 3], [3, 2]], beta=float("nan"))


for epsilon in (float("inf"), -1e-5):
    CASES[f"epsilon_{epsilon}"] = (
        lambda path, epsilon=epsilon: one("LayerNormalization", "x s", [[2, 3]],
                                          [tensor("s", np.ones(3, np.float32))], opset=17,
                                          epsilon=epsilon),
        r'node "/N" \(LayerNormalization\): epsilon must be finite and not negative')


@case(r'node "/N" \(Constant\): attribute "value" element 1 is not a number')
def nan_constant(path):
    return one("Constant", "", [], value=tensor("v", np.array([0, np.nan], np.float32)))


@case(r'node "/N" \(Constant\): attribute "value_float" is not a number')
def nan_constant_float(path):
    return one("Constant", "", [], value_float=float("nan"))


@case(r'node "/N" \(Unsqueeze\): a result of 65 dimensions; the most are 64')
def growing_rank(path):
    return one("Unsqueeze", "x a", [[1] * 60], [tensor("a", np.arange(5))])


@case(r'node "/\d+" \(Concat\): constant arithmetic up to here takes more than \d+ steps')
def constant_bomb(path):
    """20,000 results of 4096 elements each."""
    nodes = [node("Concat", "c", f"v{i}", f"/{i}", axis=0) for i in range(20000)]
    nodes.append(node("Concat", " ".join(f"v{i}" for i in range(20000)), "y", axis=0))
    return model(nodes, [], [value("y", None)], [tensor("c", np.zeros(4096, np.int64))])


@case(r'node "/N" \(Add\): has 1 inputs, must have 2')
def arity(path):
    return one("Add", "x", [[2]])


@case(r'node "/N" \(Add\): input 0 is missing')
def absent_input(path):
    return one("Add", "- x", [[2]])


@case(r'node "/N" \(Add\): shapes \[2\] and \[3\] do not broadcast')
def broadcast(path):
    return one("Add", "x z", [[2], [3]])


@case(r'node "/N" \(Add\): element types differ: f32 and i64')
def mixed_types(path):
    return one("Add", "x c", [[2]], [tensor("c", np.ones(2, np.int64))])


@case(r'node "/N" \(MatMul\): inner sizes of .* differ: 3 and 4')
def matmul_sizes(path):
    return one("MatMul", "x z", [[2, 3], [4, 2]])


@case(r'node "/N" \(Relu\): attribute "slope" is not supported')
def unknown_attribute(path):
    return one("Relu", "x", [[2]], slope=1)


@case(r'node "/N" \(Softmax\): attribute .?axis.? failed to satisfy constraint')
def attribute_type(path):
    return one("Softmax", "x", [[2]], axis=1.5)


@case(r'node "/N" \(Concat\): lacks its attribute')
def missing_attribute(path):
    return one("Concat", "x z", [[2], [2]])


@case(r'node "/N" \(Softmax\): axis 2 is outside rank 1')
def axis_range(path):
    return one("Softmax", "x", [[2]], axis=2)


@case(r'node "/N" \(Cast\): cannot cast to element type 8')
def cast_to_string(path):
    return one("Cast", "x", [[2]], to=TensorProto.STRING)


@case(r'node "/N" \(Gelu\): is not in opset 13 but from 20 on')
def too_new(path):
    return one("Gelu", "x", [[2]])


@case(r'node "/N" \(Reshape\): the shape of its result depends on the model\'s inputs')
def dynamic_reshape(path):
    return model([node("Reshape", "x s", "y", "/N")],
                 [value("x", [2]), value("s", [1], TensorProto.INT64)], [value("y", None)])


@case(r'node "/N" \(Reshape\): tensor<2x3xf32> cannot have shape \[4, -1\]')
def bad_reshape(path):
    return one("Reshape", "x s", [[2, 3]], [tensor("s", np.array([4, -1]))])


@case(r'node "/N" \(Reshape\): .*too many elements')
def overflowing_reshape(path):
    return one("Reshape", "x s", [[2, 3]], [tensor("s", np.array([2**40, 2**40]))])


@case(r'node "/N" \(Tile\): repeats .* do not fit')
def overflowing_tile(path):
    return one("Tile", "x s", [[2, 3]], [tensor("s", np.array([2**62, 2**62]))])


@case(r'node "/N" \(ConstantOfShape\): a tensor of shape .* has too many elements')
def overflowing_constant(path):
    return one("ConstantOfShape", "s", [], [tensor("s", np.array([2**40, 2**40]))])


@case(r'node "/N" \(Unsqueeze\): its axes "a" are not constant')
def dynamic_axes(path):
    return model([node("Unsqueeze", "x a", "y", "/N")],
                 [value("x", [2]), value("a", [1], TensorProto.INT64)], [value("y", None)])


@case(r'node "/N" \(Transpose\): perm \[0, 0\] is no permutation')
def bad_perm(path):
    return one("Transpose", "x", [[2, 3]], perm=[0, 0])


@case(r'node "/N" \(Einsum\): equation "\.\.\.i->i" has an ellipsis on one side of its arrow only')
def einsum_ellipsis(path):
    return one("Einsum", "x", [[2, 3]], equation="...i->i")


@case(r'node "/N" \(Einsum\): equation "\.\.\.ijk->\.\.\.k" has an ellipsis that does not fit the ranks')
def einsum_short_ellipsis(path):
    return one("Einsum", "x", [[2, 3]], equation="...ijk->...k")


@case(r'node "/N" \(Einsum\): index .A. is 3 and 2')
def einsum_broadcast_ellipsis(path):
    return one("Einsum", "x z", [[3, 4, 5], [2, 5, 6]], equation="...ij,...jk->...ik")


@case(r'node "/N" \(Einsum\): equation "\.\.\.i\.\.\.->\.\.\.i" has an ellipsis that does not')
def einsum_two_ellipses(path):
    return one("Einsum", "x", [[2, 3]], equation="...i...->...i")


@case(r'node "/N" \(Range\): no range from 0.* to 1.* by 0')
def range_of_no_step(path):
    return one("Range", "a b c", [], [tensor("a", np.float32(0)), tensor("b", np.float32(1)),
                                      tensor("c", np.float32(0))])


@case(r'node "/N" \(Range\): no range from 0.* to 1.* by 0')
def range_of_tiny_steps(path):
    return one("Range", "a b c", [], [tensor("a", np.float32(0)), tensor("b", np.float32(1)),
                                      tensor("c", np.float32(1e-30))])


@case(r'node "/N" \(Range\): the range is too long')
def range_of_least_number(path):
    """Whose quotient by -1 is none."""
    return one("Range", "a b c", [], [tensor("a", np.int64(0)), tensor("b", np.int64(-2**63)),
                                      tensor("c", np.int64(-1))])


@case(r'node "/N" \(Einsum\): equation "a{200}\.\.\." has term "a{200}\.\.\.", which is not letters')
def einsum_long_equation(path):
    """In time that is not its square."""
    return one("Einsum", "x", [[2, 3]], equation="a" * 1000000)


CONTROL = "\x1b[31m\n\x07"
ESCAPED = r'"\\x1B\[31m\\n\\x07'


@case(r'node "/N" \(Einsum\): equation ' + ESCAPED + ",i->\" has 2 terms for 1 operands")
def einsum_control_characters(path):
    return one("Einsum", "x", [[2, 3]], equation=CONTROL + ",i->")


@case(r'node "/N" \(Einsum\): equation ' + ESCAPED + '->i" has term ' + ESCAPED + '", which')
def einsum_control_term(path):
    return one("Einsum", "x", [[2]], equation=CONTROL + "->i")


@case(r'node "/N" \(Einsum\): equation "i->\\x1B\[31m\\n\\x07" has output ' + ESCAPED + '", which')
def einsum_control_output(path):
    return one("Einsum", "x", [[2]], equation="i->" + CONTROL)


@case(r'node "/N" \(Pad\): mode ' + ESCAPED + '" is not supported')
def pad_control_characters(path):
    return one("Pad", "x p", [[2]], [tensor("p", np.zeros(2, np.int64))], mode=CONTROL)


@case(r'node "/N" \(Gelu\): approximate must be "none" or "tanh", got ' + ESCAPED + 'x{193}\\.\\.\\."')
def gelu_control_characters(path):
    return one("Gelu", "x", [[2]], opset=20, approximate=CONTROL + "x" * 1000)


@case(r'node "/N" \(Einsum\): index .j. is 3 and 4')
def einsum_sizes(path):
    return one("Einsum", "x z", [[2, 3], [4, 2]], equation="ij,jk->ik")


@case(r'node "/N" \(Dropout\): is in training mode')
def training_dropout(path):
    return one("Dropout", "x r t", [[2]], [tensor("r", np.float32(0.5)), tensor("t", True)])


@case(r'node "/N" \(LayerNormalization\): its output "m" is used')
def layer_norm_mean(path):
    proto = one("LayerNormalization", "x s", [[2, 3]], [tensor("s", np.ones(3, np.float32))],
                opset=17, outputs="y m")
    proto.graph.output.append(value("m", None))
    return proto


@case(r'node "/N" \(Split\): has 2 sizes and 3 outputs')
def split_count(path):
    return one("Split", "x s", [[6]], [tensor("s", np.array([3, 3]))], outputs="y b c")


@case(r'node "/N" \(Constant\): attribute "value" element type string is not supported')
def constant_string(path):
    return one("Constant", "", [], value=helper.make_tensor("v", TensorProto.STRING, [1], [b"a"]))


@case(r'node "/N" \(Relu\): attribute "body" is a graph')
def subgraph(path):
    return one("Relu", "x", [[2]], body=linear().graph)


@case(r'node "/N" \(Relu\): attribute "a" refers to an attribute of a function')
def function_attribute(path):
    proto = one("Relu", "x", [[2]])
    proto.graph.node[0].attribute.append(
        AttributeProto(name="a", ref_attr_name="b", type=AttributeProto.INT))
    return proto
