//===- Functions.cpp - calls of a model's own functions -------------------===//
//
// Exporters can keep modules as functions of the file, and write some operators as functions. A
// call means the function's nodes with its operands in the place of the parameters, so they are
// written there before anything else looks at the graph. What a file can make of a few bytes is
// bounded: calls count as nodes, so that functions of calls alone end too.
//
//===----------------------------------------------------------------------===//
#include "Functions.h"
#include "Messages.h"
#include "OpTable.h"

#include "absl/status/statusor.h"
#include "llvm/ADT/STLExtras.h"
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/wire_format_lite.h>
#include <map>
#include <set>
#include <unordered_set>
#include <vector>

namespace aac::onnx {
namespace {

using google::protobuf::internal::WireFormatLite;
using ::onnx::AttributeProto;
using ::onnx::FunctionProto;
using ::onnx::NodeProto;

/// FunctionProto.attribute_proto: attributes with defaults, newer than the installed proto.
constexpr int kAttributeProtoField = 11;

bool isOnnxDomain(const std::string &domain) { return domain.empty() || domain == "ai.onnx"; }

/// A function with what is known of it once it has been called.
struct Function {
  FunctionProto *proto;
  std::string name; ///< "domain.name", as messages have it
  bool prepared = false;
  std::map<std::string, AttributeProto> defaults;
  std::set<std::string> parameters;           ///< names of attributes without a default
  std::map<std::string, std::string> hoisted; ///< value inside -> initializer
};

/// Attributes of a call by name.
using Attributes = std::map<std::string, const AttributeProto *>;

class Inliner {
public:
  Inliner(::onnx::ModelProto &model, int64_t opset)
      : model(model), graph(*model.mutable_graph()), opset(opset) {}

  absl::Status run();

private:
  absl::Status collect();
  absl::Status prepare(Function &function);
  absl::Status readAttributes(Function &function);
  /// Appends what `call` becomes to `nodes`.
  absl::Status expand(NodeProto &call, Function &function);
  absl::Status append(NodeProto &&node);
  absl::StatusOr<Attributes> attributesOf(const NodeProto &call, const Function &function);
  absl::Status resolveReferences(NodeProto &node, const Attributes &given);
  Function *calledBy(const NodeProto &node) {
    auto found = functions.find({isOnnxDomain(node.domain()) ? "" : node.domain(), node.op_type()});
    return found == functions.end() ? nullptr : &found->second;
  }
  std::string fresh(const std::string &wanted);

  ::onnx::ModelProto &model;
  ::onnx::GraphProto &graph;
  int64_t opset;
  std::map<std::pair<std::string, std::string>, Function> functions;
  std::unordered_set<std::string> names;   ///< of values
  std::map<std::string, int64_t> suffixes; ///< that names were given
  std::vector<NodeProto> nodes;            ///< of the new graph
  std::vector<const Function *> active;    ///< calls that lie around
  int64_t count = 0, bytes = 0;
};

std::string describeCall(const NodeProto &node) {
  return absl::StrCat(node.name().empty() ? "a node without a name" : "node " + quoted(node.name()),
                      " (", escaped(node.op_type()), ")");
}

/// A value name that nothing has.
std::string Inliner::fresh(const std::string &wanted) {
  std::string name = wanted;
  while (!names.insert(name).second)
    name = absl::StrCat(wanted, "_", ++suffixes[wanted]);
  return name;
}

absl::Status Inliner::collect() {
  for (FunctionProto &proto : *model.mutable_functions()) {
    std::string domain = isOnnxDomain(proto.domain()) ? "" : proto.domain();
    std::string name = domain.empty() ? proto.name() : absl::StrCat(domain, ".", proto.name());
    if (!functions.try_emplace({domain, proto.name()}, Function{&proto, name, false, {}, {}, {}})
             .second)
      return bad(absl::StrCat("function ", quoted(name), " occurs twice"));
  }
  for (const auto &input : graph.input())
    names.insert(input.name());
  for (const auto &tensor : graph.initializer())
    names.insert(tensor.name());
  for (const NodeProto &node : graph.node())
    names.insert(node.output().begin(), node.output().end());
  return absl::OkStatus();
}

absl::Status Inliner::readAttributes(Function &function) {
  FunctionProto &proto = *function.proto;
  function.parameters.insert(proto.attribute().begin(), proto.attribute().end());
  // Known to the protobuf class or not, they are among the bytes of what is not a node.
  google::protobuf::RepeatedPtrField<NodeProto> nodes;
  nodes.Swap(proto.mutable_node());
  std::string data = proto.SerializeAsString();
  nodes.Swap(proto.mutable_node());
  google::protobuf::io::ArrayInputStream stream(data.data(), static_cast<int>(data.size()));
  google::protobuf::io::CodedInputStream coded(&stream);
  while (uint32_t tag = coded.ReadTag()) {
    if (tag >> 3 != kAttributeProtoField) {
      if (!WireFormatLite::SkipField(&coded, tag))
        break;
      continue;
    }
    std::string bytes;
    AttributeProto attribute;
    if ((tag & 7) != WireFormatLite::WIRETYPE_LENGTH_DELIMITED ||
        !WireFormatLite::ReadBytes(&coded, &bytes) || !attribute.ParseFromString(bytes))
      return bad(absl::StrCat("function ", quoted(function.name),
                              ": an attribute's default cannot be parsed"));
    if (!function.defaults.try_emplace(attribute.name(), attribute).second)
      return bad(absl::StrCat("function ", quoted(function.name), ": attribute ",
                              quoted(attribute.name()), " occurs twice"));
  }
  return absl::OkStatus();
}

/// Checks what does not depend on a call, and makes initializers of its tensors.
absl::Status Inliner::prepare(Function &function) {
  if (function.prepared)
    return absl::OkStatus();
  function.prepared = true;
  FunctionProto &proto = *function.proto;
  std::string where = absl::StrCat("function ", quoted(function.name));
  if (isOnnxDomain(proto.domain()) && findOp(proto.name()))
    return bad(absl::StrCat(where, " has the name of an operator of ONNX"));
  auto isOnnx = [](const auto &item) { return isOnnxDomain(item.domain()); };
  if (llvm::none_of(proto.opset_import(), isOnnx) && llvm::any_of(proto.node(), isOnnx))
    return bad(absl::StrCat(where, " has operators of ONNX and imports no opset of it"));
  for (const auto &import : proto.opset_import())
    if (isOnnx(import) && import.version() != opset)
      return bad(absl::StrCat(where, " is of opset ", import.version(), ", the graph of ", opset,
                              ": one file must have one"));
  std::set<std::string> inputs;
  for (const std::string &input : proto.input())
    if (input.empty() || !inputs.insert(input).second)
      return bad(absl::StrCat(where, ": input ", quoted(input), " has no name or occurs twice"));
  if (absl::Status status = readAttributes(function); !status.ok())
    return status;
  google::protobuf::RepeatedPtrField<NodeProto> kept;
  for (NodeProto &node : *proto.mutable_node()) {
    bool isConstant = node.op_type() == "Constant" && isOnnxDomain(node.domain()) &&
                      node.attribute_size() == 1 && node.output_size() == 1 &&
                      node.input_size() == 0 && !node.output(0).empty();
    AttributeProto *value = isConstant ? node.mutable_attribute(0) : nullptr;
    // Only an initializer may be external: that is refused where it stands.
    if (!value || value->name() != "value" || value->type() != AttributeProto::TENSOR ||
        !value->ref_attr_name().empty() ||
        value->t().data_location() == ::onnx::TensorProto::EXTERNAL ||
        inputs.count(node.output(0)) || !function.hoisted.try_emplace(node.output(0), "").second) {
      kept.Add(std::move(node));
      continue;
    }
    std::string name = fresh(absl::StrCat(function.name, "/", node.output(0)));
    function.hoisted[node.output(0)] = name;
    ::onnx::TensorProto &tensor = *graph.add_initializer();
    tensor.Swap(value->mutable_t());
    tensor.set_name(name);
  }
  kept.Swap(proto.mutable_node());
  return absl::OkStatus();
}

absl::StatusOr<Attributes> Inliner::attributesOf(const NodeProto &call, const Function &function) {
  Attributes given;
  for (const auto &[name, attribute] : function.defaults)
    given[name] = &attribute;
  std::set<std::string> seen;
  for (const AttributeProto &attribute : call.attribute()) {
    if (!function.parameters.count(attribute.name()) && !function.defaults.count(attribute.name()))
      return bad(absl::StrCat(describeCall(call), ": function ", quoted(function.name),
                              " has no attribute ", quoted(attribute.name())));
    if (!seen.insert(attribute.name()).second)
      return bad(absl::StrCat(describeCall(call), ": attribute ", quoted(attribute.name()),
                              " occurs twice"));
    given[attribute.name()] = &attribute;
  }
  return given;
}

/// Puts the call's attributes in the place of references to them; one that the call does not give
/// is left out, as ONNX has it.
absl::Status Inliner::resolveReferences(NodeProto &node, const Attributes &given) {
  google::protobuf::RepeatedPtrField<AttributeProto> attributes;
  for (AttributeProto &attribute : *node.mutable_attribute()) {
    if (attribute.ref_attr_name().empty()) {
      attributes.Add(std::move(attribute));
      continue;
    }
    auto found = given.find(attribute.ref_attr_name());
    if (found == given.end())
      continue;
    if (found->second->type() != attribute.type())
      return bad(absl::StrCat(describeCall(node), ": attribute ", quoted(attribute.name()),
                              " refers to ", quoted(attribute.ref_attr_name()),
                              ", which is of another type"));
    AttributeProto &copy = *attributes.Add();
    bytes += static_cast<int64_t>(found->second->ByteSizeLong());
    if (bytes > kMaxInlinedBytes)
      break; // append() refuses
    copy = *found->second;
    copy.set_name(attribute.name());
  }
  attributes.Swap(node.mutable_attribute());
  return absl::OkStatus();
}

absl::Status Inliner::append(NodeProto &&node) {
  Function *function = calledBy(node);
  if (active.empty() && !function) { // a node of the file: nothing new
    nodes.push_back(std::move(node));
    return absl::OkStatus();
  }
  bytes += static_cast<int64_t>(node.ByteSizeLong());
  if (++count > kMaxInlinedNodes || bytes > kMaxInlinedBytes)
    return bad(absl::StrCat("the calls of its functions become more than ", kMaxInlinedNodes,
                            " nodes and operands or ", kMaxInlinedBytes >> 20, " MiB, the limit"));
  if (function)
    return expand(node, *function);
  nodes.push_back(std::move(node));
  return absl::OkStatus();
}

absl::Status Inliner::expand(NodeProto &call, Function &function) {
  std::string where = describeCall(call);
  if (llvm::is_contained(active, &function))
    return bad(absl::StrCat("function ", quoted(function.name), " calls itself",
                            active.back() == &function ? "" : ", by way of ",
                            active.back() == &function ? "" : quoted(active.back()->name)));
  if (active.size() >= kMaxCallDepth)
    return bad(
        absl::StrCat(where, ": functions call each other more than ", kMaxCallDepth, " deep"));
  if (absl::Status status = prepare(function); !status.ok())
    return status;
  const FunctionProto &proto = *function.proto;
  // What every call of it costs, beside its nodes.
  count += proto.input_size() + static_cast<int64_t>(function.hoisted.size()) +
           static_cast<int64_t>(function.defaults.size());
  if (call.input_size() > proto.input_size() || call.output_size() > proto.output_size())
    return bad(absl::StrCat(where, ": has ", call.input_size(), " inputs and ", call.output_size(),
                            " outputs, function ", quoted(function.name), " has ",
                            proto.input_size(), " and ", proto.output_size()));
  auto given = attributesOf(call, function);
  if (!given.ok())
    return given.status();

  // What each value inside is called outside.
  std::map<std::string, std::string> outside = function.hoisted;
  for (int i = 0; i < proto.input_size(); ++i)
    outside[proto.input(i)] = i < call.input_size() ? call.input(i) : "";
  std::map<std::string, std::string> results;
  for (int i = 0; i < call.output_size(); ++i)
    if (!call.output(i).empty())
      results.try_emplace(proto.output(i), call.output(i));
  std::string prefix = !call.name().empty()     ? call.name()
                       : call.output_size() > 0 ? call.output(0)
                                                : call.op_type();
  for (const NodeProto &node : proto.node())
    for (const std::string &output : node.output()) {
      if (output.empty())
        continue;
      auto result = results.find(output);
      std::string name =
          result != results.end() ? result->second : fresh(absl::StrCat(prefix, "/", output));
      if (!outside.try_emplace(output, name).second)
        return bad(absl::StrCat("function ", quoted(function.name), " makes the value ",
                                quoted(output), " twice"));
    }

  active.push_back(&function);
  for (int index = 0; index < proto.node_size(); ++index) {
    NodeProto node = proto.node(index);
    std::string inner =
        node.name().empty() ? absl::StrCat(node.op_type(), "_", index) : node.name();
    for (std::string &input : *node.mutable_input()) {
      auto found = outside.find(input);
      if (found == outside.end() && !input.empty())
        return bad(absl::StrCat("function ", quoted(function.name), ": ", describeCall(node),
                                " reads ", quoted(input), ", which does not exist"));
      if (!input.empty())
        input = found->second;
    }
    for (std::string &output : *node.mutable_output())
      if (!output.empty())
        output = outside[output];
    node.set_name(absl::StrCat(prefix, "/", inner));
    absl::Status status = resolveReferences(node, *given);
    if (status.ok())
      status = append(std::move(node));
    if (!status.ok())
      return status;
  }
  // Outputs that no node inside makes for this call: parameters, tensors, a value given twice.
  for (int i = 0; i < call.output_size(); ++i) {
    if (call.output(i).empty())
      continue;
    auto found = outside.find(proto.output(i));
    if (found == outside.end())
      return bad(absl::StrCat("function ", quoted(function.name), " does not make its output ",
                              quoted(proto.output(i))));
    if (found->second == call.output(i))
      continue;
    NodeProto copy;
    copy.set_op_type("Identity");
    copy.set_name(absl::StrCat(prefix, "/", proto.output(i)));
    copy.add_input(found->second);
    copy.add_output(call.output(i));
    if (absl::Status status = append(std::move(copy)); !status.ok())
      return status;
  }
  active.pop_back();
  return absl::OkStatus();
}

absl::Status Inliner::run() {
  if (model.functions_size() == 0)
    return absl::OkStatus();
  if (absl::Status status = collect(); !status.ok())
    return status;
  for (NodeProto &node : *graph.mutable_node())
    if (absl::Status status = append(std::move(node)); !status.ok())
      return status;
  graph.clear_node();
  for (NodeProto &node : nodes)
    *graph.add_node() = std::move(node);
  functions.clear();
  model.clear_functions();
  return absl::OkStatus();
}

} // namespace

absl::Status inlineFunctions(::onnx::ModelProto &model, int64_t opset) {
  return Inliner(model, opset).run();
}

} // namespace aac::onnx
