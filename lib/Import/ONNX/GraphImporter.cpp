//===- GraphImporter.cpp - inputs, order and outputs of a graph -----------===//
#include "GraphImporter.h"
#include "Messages.h"
#include "OpTable.h"

#include "absl/strings/str_join.h"
#include <queue>

using namespace mlir;

namespace aac::onnx {
namespace {

/// "[1, sequence, ?]"
std::string dimsText(const std::vector<int64_t> &dims, const std::vector<std::string> &symbols) {
  std::vector<std::string> parts;
  for (size_t i = 0; i < dims.size(); ++i)
    parts.push_back(dims[i] >= 0 ? absl::StrCat(dims[i]) : symbols[i].empty() ? "?" : symbols[i]);
  return absl::StrCat("[", absl::StrJoin(parts, ", "), "]");
}

/// The type of a file's floats that becomesF32().
Type fileFloat(MLIRContext *context, int32_t dataType) {
  Builder builder(context);
  return dataType == ::onnx::TensorProto::FLOAT16    ? Type(builder.getF16Type())
         : dataType == ::onnx::TensorProto::BFLOAT16 ? Type(builder.getBF16Type())
                                                     : Type(builder.getF64Type());
}

bool isOnnxDomain(const std::string &domain) { return domain.empty() || domain == "ai.onnx"; }

} // namespace

std::string describeNode(const ::onnx::NodeProto &node, int index) {
  if (node.name().empty())
    return absl::StrCat("node ", index, " (", escaped(node.op_type()), ")");
  return absl::StrCat("node ", quoted(node.name()), " (", escaped(node.op_type()), ")");
}

GraphImporter::GraphImporter(MLIRContext *context, FileModel &file, const std::string &task,
                             TensorPool &pool, const ImportOptions &options)
    : context(context), file(file), proto(*file.proto.mutable_graph()), task(task), pool(pool),
      options(options), builder(context) {
  for (auto [index, tensor] : llvm::enumerate(file.initializers))
    initializers[tensor.name] = index;
}

absl::Status GraphImporter::readInputs() {
  std::set<std::string> names;
  for (const ::onnx::ValueInfoProto &info : proto.input()) {
    if (info.name().empty())
      return bad("an input has no name");
    std::string where = absl::StrCat("input ", quoted(info.name()));
    if (!names.insert(info.name()).second)
      return bad(absl::StrCat(where, " occurs twice"));
    if (initializers.count(info.name()))
      continue; // keep_initializers_as_inputs: the value in the file holds
    if (!info.type().has_tensor_type())
      return bad(absl::StrCat(where, " is no tensor"));
    const auto &type = info.type().tensor_type();
    Input input{info.name(), type.elem_type(), {}, {}};
    if (!elementType(context, type.elem_type()))
      return bad(absl::StrCat(where, ": element type ", dataTypeName(type.elem_type()),
                              " is not supported"));
    if (!type.has_shape())
      return bad(absl::StrCat(where, " has no shape: its rank must be known"));
    for (const auto &dim : type.shape().dim()) {
      bool known = dim.has_dim_value();
      if (known && dim.dim_value() < 0)
        return bad(absl::StrCat(where, ": dimension ", dim.dim_value(), " is negative"));
      input.dims.push_back(known ? dim.dim_value() : -1);
      input.symbols.push_back(known ? "" : dim.dim_param());
    }
    inputs.push_back(std::move(input));
  }
  return absl::OkStatus();
}

absl::Status GraphImporter::bindInputs(std::set<size_t> &used) {
  std::map<std::string, int64_t> symbols;
  auto setSymbol = [&](const std::string &name, int64_t size) -> absl::Status {
    auto [it, isNew] = symbols.emplace(name, size);
    if (!isNew && it->second != size)
      return bad(
          absl::StrCat("dimension ", quoted(name), " is bound to ", it->second, " and ", size));
    return absl::OkStatus();
  };
  for (auto [index, binding] : llvm::enumerate(options.bindings)) {
    std::string name = binding.name;
    auto isInput = [&](const Input &input) { return input.name == name; };
    auto hasSymbol = [&](const Input &input) { return llvm::is_contained(input.symbols, name); };
    std::string prefix = task + ":";
    bool whole = llvm::any_of(inputs, isInput) || llvm::any_of(inputs, hasSymbol);
    if (!whole && llvm::StringRef(name).starts_with(prefix))
      name = name.substr(prefix.size());
    auto input = llvm::find_if(inputs, isInput);
    if (input == inputs.end()) {
      if (!llvm::any_of(inputs, hasSymbol))
        continue;
      used.insert(index);
      if (binding.shape.size() != 1)
        return bad(absl::StrCat("dimension ", quoted(name), " needs one size, got ",
                                absl::StrJoin(binding.shape, "x")));
      if (absl::Status status = setSymbol(name, binding.shape[0]); !status.ok())
        return status;
      continue;
    }
    used.insert(index);
    std::string where =
        absl::StrCat("input ", quoted(name), " is ", dimsText(input->dims, input->symbols),
                     ", bound to ", absl::StrJoin(binding.shape, "x"));
    if (binding.shape.size() != input->dims.size())
      return bad(absl::StrCat(where, ": ", input->dims.size(), " and ", binding.shape.size(),
                              " dimensions"));
    for (size_t d = 0; d < input->dims.size(); ++d) {
      if (input->dims[d] >= 0 && input->dims[d] != binding.shape[d])
        return bad(absl::StrCat(where, ": dimension ", d, " is ", input->dims[d], " already"));
      input->dims[d] = binding.shape[d];
      if (!input->symbols[d].empty())
        if (absl::Status status = setSymbol(input->symbols[d], binding.shape[d]); !status.ok())
          return status;
    }
  }
  std::vector<std::string> free;
  for (Input &input : inputs) {
    for (size_t d = 0; d < input.dims.size(); ++d) {
      auto found = symbols.find(input.symbols[d]);
      if (found == symbols.end() || input.symbols[d].empty())
        continue;
      if (input.dims[d] >= 0 && input.dims[d] != found->second)
        return bad(absl::StrCat("input ", quoted(input.name), ": dimension ", d, " is ",
                                input.dims[d], ", its name ", quoted(input.symbols[d]),
                                " is bound to ", found->second));
      input.dims[d] = found->second;
    }
    if (llvm::is_contained(input.dims, -1))
      free.push_back(absl::StrCat(quoted(input.name), " ", dimsText(input.dims, input.symbols)));
  }
  if (!free.empty())
    return bad(absl::StrCat("has free dimensions: ", absl::StrJoin(free, ", "),
                            "; give sizes with --bind=INPUT=DxD or --bind=SYMBOL=N"));
  for (Input &input : inputs)
    if (auto count = countElements(input.dims); !count.ok())
      return bad(absl::StrCat("input ", quoted(input.name), ": ", count.status().message()));
  return absl::OkStatus();
}

/// Every value has one origin.
absl::Status GraphImporter::checkNames() {
  std::set<std::string> taken;
  for (const Input &input : inputs)
    taken.insert(input.name);
  for (int index = 0; index < proto.node_size(); ++index) {
    const ::onnx::NodeProto &node = proto.node(index);
    for (const std::string &output : node.output()) {
      if (output.empty())
        continue;
      bool isNew = producers.try_emplace(output, index).second;
      if (!isNew || taken.count(output) || initializers.count(output))
        return bad(absl::StrCat(describeNode(node, index), " makes the value ", quoted(output),
                                ", which is there already"));
    }
  }
  return absl::OkStatus();
}

/// Marks the nodes that outputs need.
absl::Status GraphImporter::findLiveNodes() {
  live.assign(proto.node_size(), 0);
  std::vector<int> work;
  auto need = [&](const std::string &name) {
    read.insert(name);
    auto found = producers.find(name);
    if (found != producers.end() && !live[found->second]) {
      live[found->second] = 1;
      work.push_back(found->second);
    }
  };
  for (const ::onnx::ValueInfoProto &output : proto.output())
    need(output.name());
  while (!work.empty()) {
    int index = work.back();
    work.pop_back();
    for (const std::string &name : proto.node(index).input())
      need(name);
  }
  return absl::OkStatus();
}

/// Kahn's algorithm, lowest index first.
absl::Status GraphImporter::orderNodes() {
  std::set<std::string> given;
  for (const Input &input : inputs)
    given.insert(input.name);
  std::vector<int> waiting(proto.node_size(), 0);
  std::vector<std::vector<int>> users(proto.node_size());
  std::priority_queue<int, std::vector<int>, std::greater<int>> ready;
  size_t wanted = 0;
  for (int index = 0; index < proto.node_size(); ++index) {
    if (!live[index])
      continue;
    ++wanted;
    for (const std::string &name : proto.node(index).input()) {
      if (name.empty() || given.count(name) || initializers.count(name))
        continue;
      auto found = producers.find(name);
      if (found == producers.end())
        return bad(absl::StrCat(describeNode(proto.node(index), index), ": its input ",
                                quoted(name), " does not exist"));
      users[found->second].push_back(index);
      ++waiting[index];
    }
    if (waiting[index] == 0)
      ready.push(index);
  }
  while (!ready.empty()) {
    int index = ready.top();
    ready.pop();
    order.push_back(index);
    for (int user : users[index])
      if (--waiting[user] == 0)
        ready.push(user);
  }
  if (order.size() == wanted)
    return absl::OkStatus();
  for (int index = 0; index < proto.node_size(); ++index)
    if (live[index] && waiting[index] > 0)
      return bad(
          absl::StrCat(describeNode(proto.node(index), index), " is in, or depends on, a cycle"));
  return absl::InternalError("cannot order the nodes");
}

namespace {

/// What to do about an operator that does not import, where one can do something.
std::string adviceFor(const ::onnx::NodeProto &node) {
  llvm::StringRef type = node.op_type();
  if (isOnnxDomain(node.domain()) && type == "Conv")
    return " (a linear as a convolution of width 1: export it as MatMul or Gemm)";
  if (type.starts_with("DynamicQuantize") || type.starts_with("MatMulInteger") ||
      type == "ConvInteger")
    return " (dynamic quantisation: quantise statically, with calibration data, in QDQ format, or "
           "give the model in float)";
  if (type.starts_with("QLinear") || type == "QGemm" || type == "QAttention")
    return " (quantised operators: quantise in QDQ format, or give the model in float)";
  return "";
}

/// Collects what does not import: nodes, with those of subgraphs (which protobuf's nesting
/// limit bounds).
class UnknownNodes {
public:
  void check(const ::onnx::NodeProto &node, int index, const std::string &inside) {
    if (isOnnxDomain(node.domain()) && findOp(node.op_type()))
      return;
    std::string text = describeNode(node, index);
    if (!isOnnxDomain(node.domain()))
      text += absl::StrCat(" of domain ", quoted(node.domain()));
    text += inside;
    text += adviceFor(node);
    if (++count <= kMaxListed)
      texts.push_back(std::move(text));
    for (const auto &attribute : node.attribute()) {
      std::string place =
          absl::StrCat(" in ", quoted(attribute.name()), " of ", describeNode(node, index));
      checkGraph(attribute.g(), place);
      for (const auto &graph : attribute.graphs())
        checkGraph(graph, place);
    }
  }

  absl::Status status() const {
    if (count == 0)
      return absl::OkStatus();
    std::string more = count > kMaxListed ? absl::StrCat(" and ", count - kMaxListed, " more") : "";
    return bad(absl::StrCat(count, count == 1 ? " operator is" : " operators are",
                            " not supported: ", absl::StrJoin(texts, ", "), more));
  }

private:
  void checkGraph(const ::onnx::GraphProto &graph, const std::string &place) {
    for (int index = 0; index < graph.node_size(); ++index)
      check(graph.node(index), index, place);
  }

  static constexpr size_t kMaxListed = 1000;
  std::vector<std::string> texts;
  size_t count = 0;
};

} // namespace

absl::Status GraphImporter::checkSupported() const {
  UnknownNodes unknown;
  for (int index : order)
    unknown.check(proto.node(index), index, "");
  return options.allowUnsupported ? absl::OkStatus() : unknown.status();
}

absl::Status GraphImporter::importOutputs(GraphOp graph) {
  SmallVector<Value> results;
  SmallVector<Attribute> types;
  bool narrow = false; // some type is not the one it is computed in
  std::set<std::string> names;
  for (const ::onnx::ValueInfoProto &output : proto.output()) {
    if (output.name().empty())
      return bad("an output has no name");
    if (!names.insert(output.name()).second)
      return bad(absl::StrCat("output ", quoted(output.name()), " occurs twice"));
    auto value = valueOf(output.name());
    if (!value.ok())
      return bad(absl::StrCat("output ", quoted(output.name()), " is made by no node"));
    auto type = dyn_cast<RankedTensorType>((*value).getType());
    if (type && output.type().has_tensor_type()) {
      const auto &said = output.type().tensor_type();
      Type element = elementType(context, said.elem_type());
      if (said.elem_type() != 0 && element != type.getElementType())
        return bad(absl::StrCat("output ", quoted(output.name()), " is said to be ",
                                dataTypeName(said.elem_type()),
                                ", its node makes another element type"));
      if (said.has_shape() && said.shape().dim_size() != type.getRank())
        return bad(absl::StrCat("output ", quoted(output.name()), " is said to have ",
                                said.shape().dim_size(), " dimensions, its node makes ",
                                type.getRank()));
    }
    int32_t said = output.type().tensor_type().elem_type();
    types.push_back(TypeAttr::get(becomesF32(said) ? fileFloat(context, said)
                                  : type           ? type.getElementType()
                                                   : builder.getF32Type()));
    narrow |= becomesF32(said);
    results.push_back(*value);
  }
  if (results.empty())
    return bad("the graph has no outputs");
  if (narrow)
    graph->setAttr(kOutputTypesAttr, builder.getArrayAttr(types));
  ReturnOp::create(builder, graph.getLoc(), results);
  return absl::OkStatus();
}

absl::Status GraphImporter::run(ModuleOp module, std::set<size_t> &usedBindings) {
  for (auto step : {&GraphImporter::readInputs, &GraphImporter::checkNames,
                    &GraphImporter::findLiveNodes, &GraphImporter::orderNodes})
    if (absl::Status status = (this->*step)(); !status.ok())
      return status;
  if (absl::Status status = checkSupported(); !status.ok())
    return status;
  if (absl::Status status = bindInputs(usedBindings); !status.ok())
    return status;

  builder.setInsertionPointToEnd(module.getBody());
  SmallVector<Attribute> inputNames, outputNames;
  for (const Input &input : inputs)
    inputNames.push_back(builder.getStringAttr(input.name));
  for (const ::onnx::ValueInfoProto &output : proto.output())
    outputNames.push_back(builder.getStringAttr(output.name()));
  Location loc = NameLoc::get(builder.getStringAttr(task));
  std::string producer = file.proto.producer_name();
  if (!file.proto.producer_version().empty())
    producer += " " + file.proto.producer_version();
  auto graph =
      GraphOp::create(builder, loc, builder.getStringAttr(task), builder.getArrayAttr(inputNames),
                      builder.getArrayAttr(outputNames), builder.getI64IntegerAttr(file.opset),
                      builder.getI64IntegerAttr(file.proto.ir_version()),
                      producer.empty() ? StringAttr() : builder.getStringAttr(producer));
  Block *body = builder.createBlock(&graph.getBody());
  for (const Input &input : inputs) {
    auto type = RankedTensorType::get(input.dims, elementType(context, input.dataType));
    values[input.name] = body->addArgument(type, NameLoc::get(builder.getStringAttr(input.name)));
  }
  for (int index : order)
    if (absl::Status status = importNode(proto.node(index), index); !status.ok())
      return bad(absl::StrCat(describeNode(proto.node(index), index), ": ", status.message()));
  if (!file.widened.empty()) { // what the file's floats were: this graph means f32
    SmallVector<Attribute> types;
    for (int32_t type : file.widened)
      types.push_back(TypeAttr::get(fileFloat(context, type)));
    graph->setAttr(kWidenedAttr, builder.getArrayAttr(types));
  }
  return importOutputs(graph);
}

} // namespace aac::onnx
