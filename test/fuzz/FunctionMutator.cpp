//===- FunctionMutator.cpp - mutations of a model's functions -------------===//
//
// What lies in the graph becomes a function that is called in its place, which means the same, so
// that what is deep in the importer stays in reach; calls on other values, in other functions and
// in themselves, and bodies that change.
//
//===----------------------------------------------------------------------===//
#include "FunctionMutator.h"

#include "lib/Import/ONNX/OpTable.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

namespace {

using ::onnx::AttributeProto;
using ::onnx::FunctionProto;
using ::onnx::NodeProto;

const char kDomain[] = "f";
constexpr int kMaxFunctions = 20, kMaxNodes = 200;

class FunctionMutator {
public:
  FunctionMutator(::onnx::ModelProto &model, std::minstd_rand &random)
      : model(model), random(random) {}

  void run() {
    if (model.functions_size() == 0) {
      outline(*model.mutable_graph()->mutable_node());
      return;
    }
    switch (below(16)) {
    case 0: // a function that calls another
    case 1:
      outline(*anyFunction().mutable_node());
      return;
    case 2:
    case 3:
      call();
      return;
    case 4:
    case 5:
      insertNode(anyFunction());
      return;
    case 6:
    case 7:
      changeNode(anyFunction());
      return;
    case 8:
      changeAttributes(anyFunction());
      return;
    case 9:
      changeSignature(anyFunction());
      return;
    default:
      outline(*model.mutable_graph()->mutable_node());
    }
  }

  /// A call in the graph, on values that are there.
  void call() {
    auto &graph = *model.mutable_graph();
    if (model.functions_size() == 0 || graph.node_size() > kMaxNodes)
      return;
    std::vector<std::string> names;
    for (const auto &input : graph.input())
      names.push_back(input.name());
    for (const auto &tensor : graph.initializer())
      names.push_back(tensor.name());
    for (const auto &node : graph.node())
      names.insert(names.end(), node.output().begin(), node.output().end());
    int place = graph.node_size() > 0 ? static_cast<int>(below(graph.node_size())) : -1;
    NodeProto node = makeCall(anyFunction(), names);
    std::string result = node.output_size() > 0 ? node.output(0) : "";
    *graph.add_node() = node;
    NodeProto *user = place >= 0 ? graph.mutable_node(place) : nullptr;
    if (user && user->input_size() > 0 && below(4))
      user->set_input(static_cast<int>(below(user->input_size())), result);
    else
      graph.add_output()->set_name(result);
  }

private:
  using Nodes = google::protobuf::RepeatedPtrField<NodeProto>;

  unsigned below(size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random); }
  std::string fresh(const char *prefix) { return prefix + std::to_string(random() % 1000000); }
  FunctionProto &anyFunction() {
    return *model.mutable_functions(static_cast<int>(below(model.functions_size())));
  }
  int64_t opset() const {
    for (const auto &import : model.opset_import())
      if (import.domain().empty())
        return import.version();
    return 13;
  }

  NodeProto makeCall(const FunctionProto &function, const std::vector<std::string> &names) {
    NodeProto node;
    node.set_op_type(function.name());
    node.set_domain(function.domain());
    for (int i = 0; i < function.input_size() && !names.empty(); ++i)
      node.add_input(names[below(names.size())]);
    for (int i = 0; i < function.output_size(); ++i)
      node.add_output(fresh("call"));
    for (const std::string &attribute : function.attribute())
      if (below(2)) {
        AttributeProto &given = *node.add_attribute();
        given.set_name(attribute);
        given.set_type(AttributeProto::INT);
        given.set_i(static_cast<int64_t>(below(5)) - 2);
      }
    return node;
  }

  /// Some nodes in a row become a function, called in their place.
  void outline(Nodes &nodes) {
    if (nodes.empty() || model.functions_size() > kMaxFunctions)
      return;
    int first = static_cast<int>(below(nodes.size()));
    int count = 1 + static_cast<int>(below(std::min(nodes.size() - first, 6)));
    std::set<std::string> made, read;
    for (int i = first; i < first + count; ++i) {
      made.insert(nodes.Get(i).output().begin(), nodes.Get(i).output().end());
      read.insert(nodes.Get(i).input().begin(), nodes.Get(i).input().end());
    }
    NodeProto call;
    FunctionProto function;
    call.set_op_type(fresh("F"));
    call.set_domain(kDomain);
    function.set_name(call.op_type());
    function.set_domain(kDomain);
    auto &import = *function.add_opset_import();
    import.set_version(opset());
    for (const std::string &name : read)
      if (!name.empty() && !made.count(name)) {
        call.add_input(name);
        function.add_input(name);
      }
    for (const std::string &name : made)
      if (!name.empty()) { // all: who reads them is not known here
        call.add_output(name);
        function.add_output(name);
      }
    for (int i = first; i < first + count; ++i) {
      NodeProto &node = *function.add_node();
      node.Swap(nodes.Mutable(i));
      if (node.attribute_size() > 0 && below(2))
        hand(*node.mutable_attribute(static_cast<int>(below(node.attribute_size()))), function,
             &call);
    }
    nodes.Mutable(first)->Swap(&call);
    nodes.DeleteSubrange(first + 1, count - 1);
    *model.add_functions() = function;
    for (const auto &known : model.opset_import())
      if (known.domain() == kDomain)
        return;
    auto &own = *model.add_opset_import();
    own.set_domain(kDomain);
    own.set_version(1);
  }

  /// The attribute refers to one of the function's, which `call` gives, or a default.
  void hand(AttributeProto &attribute, FunctionProto &function, NodeProto *call) {
    if (!attribute.ref_attr_name().empty())
      return;
    AttributeProto value;
    value.Swap(&attribute);
    attribute.set_name(value.name());
    attribute.set_type(value.type());
    value.set_name(fresh("a"));
    attribute.set_ref_attr_name(value.name());
    if (call && below(2)) {
      function.add_attribute(value.name());
      *call->add_attribute() = value;
    } else {
      addDefault(function, value);
    }
  }

  /// attribute_proto, field 11, which the installed onnx-ml.proto does not have.
  static void addDefault(FunctionProto &function, const AttributeProto &value) {
    std::string bytes = value.SerializeAsString(), field = "\x5a";
    for (size_t left = bytes.size(); field.size() < 10; left >>= 7) {
      field.push_back(static_cast<char>((left & 0x7f) | (left > 0x7f ? 0x80 : 0)));
      if (left <= 0x7f)
        break;
    }
    FunctionProto added;
    if (added.ParseFromString(field + bytes))
      function.MergeFrom(added);
  }

  /// A node or a call, of itself too, on values of the body; something reads its result.
  void insertNode(FunctionProto &function) {
    if (function.node_size() > kMaxNodes)
      return;
    std::vector<std::string> names(function.input().begin(), function.input().end());
    for (const NodeProto &node : function.node())
      names.insert(names.end(), node.output().begin(), node.output().end());
    if (names.empty())
      names.push_back(function.add_input()->assign("x"));
    NodeProto node;
    if (below(2)) {
      node = makeCall(below(4) ? anyFunction() : function, names);
      if (node.output_size() == 0)
        node.add_output(fresh("new"));
    } else {
      auto ops = aac::onnx::opTable();
      const aac::onnx::OpSpec &op = ops[below(ops.size())];
      node.set_op_type(op.name);
      for (int i = 0; i < std::max(op.minInputs, 1); ++i)
        node.add_input(names[below(names.size())]);
      node.add_output(fresh("new"));
    }
    std::string result = node.output(0);
    NodeProto *user = function.node_size() > 0
                          ? function.mutable_node(static_cast<int>(below(function.node_size())))
                          : nullptr;
    if (user && user->input_size() > 0 && below(4))
      user->set_input(static_cast<int>(below(user->input_size())), result);
    else if (function.output_size() > 0)
      function.set_output(static_cast<int>(below(function.output_size())), result);
    *function.add_node() = node;
  }

  void changeNode(FunctionProto &function) {
    if (function.node_size() == 0)
      return;
    int index = static_cast<int>(below(function.node_size()));
    NodeProto &node = *function.mutable_node(index);
    switch (below(4)) {
    case 0: { // another function or operator
      const FunctionProto &other = anyFunction();
      node.set_op_type(other.name());
      node.set_domain(other.domain());
      return;
    }
    case 1: {
      auto ops = aac::onnx::opTable();
      node.set_op_type(ops[below(ops.size())].name);
      node.clear_domain();
      return;
    }
    case 2:
      if (node.attribute_size() > 0)
        hand(*node.mutable_attribute(static_cast<int>(below(node.attribute_size()))), function,
             nullptr);
      return;
    default:
      function.mutable_node()->DeleteSubrange(index, 1);
    }
  }

  void changeAttributes(FunctionProto &function) {
    AttributeProto value;
    value.set_name(function.attribute_size() > 0 && below(2)
                       ? function.attribute(static_cast<int>(below(function.attribute_size())))
                       : fresh("a"));
    value.set_type(below(2) ? AttributeProto::INT : AttributeProto::FLOAT);
    value.set_i(static_cast<int64_t>(below(5)) - 2);
    value.set_f(static_cast<float>(below(5)) / 2);
    switch (below(3)) {
    case 0:
      function.add_attribute(value.name());
      return;
    case 1:
      addDefault(function, value);
      return;
    default:
      if (function.attribute_size() > 0)
        function.mutable_attribute()->RemoveLast();
    }
  }

  void changeSignature(FunctionProto &function) {
    switch (below(5)) {
    case 0:
      function.add_input(fresh("in"));
      return;
    case 1:
      if (function.input_size() > 0)
        function.mutable_input()->SwapElements(0, static_cast<int>(below(function.input_size())));
      return;
    case 2: // a parameter, or a value once more
      if (function.input_size() > 0)
        function.add_output(function.input(static_cast<int>(below(function.input_size()))));
      return;
    case 3:
      if (function.opset_import_size() > 0)
        function.mutable_opset_import(0)->set_version(static_cast<int64_t>(10 + below(14)));
      return;
    default: { // the name of another, or of an operator
      auto ops = aac::onnx::opTable();
      if (below(2)) {
        function.set_name(anyFunction().name());
      } else {
        function.set_name(ops[below(ops.size())].name);
        function.clear_domain();
      }
    }
    }
  }

  ::onnx::ModelProto &model;
  std::minstd_rand &random;
};

} // namespace

void aac::fuzz::mutateFunctions(::onnx::ModelProto &model, std::minstd_rand &random) {
  FunctionMutator(model, random).run();
}

void aac::fuzz::callFunction(::onnx::ModelProto &model, std::minstd_rand &random) {
  FunctionMutator(model, random).call();
}
