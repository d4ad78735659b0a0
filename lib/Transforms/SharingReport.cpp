//===- SharingReport.cpp - the sharing report as text and JSON ------------===//
#include "aac/Transforms/Sharing.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/JSON.h"

using namespace mlir;
using namespace aac;
using namespace aac::ir;

namespace {

/// The part of the model in which an operation lies.
class Places {
public:
  explicit Places(TaskOp task) {
    int64_t contexts = 0;
    task.walk<WalkOrder::PreOrder>([&](Operation *op) {
      bool projects = llvm::any_of(op->getUsers(),
                                   [](Operation *user) { return isa<ScoresOp, ContextOp>(user); });
      contexts += isa<ContextOp>(op);
      layer[op] = isa<LinearOp>(op) && projects ? contexts : contexts - 1;
    });
  }
  /// Number of the layer; -1 in front of the first, INT64_MAX behind the selected token.
  int64_t of(Operation *op) const {
    bool tokens = op->getNumResults() != 1 ||
                  cast<RankedTensorType>(op->getResult(0).getType()).getRank() != 2;
    return tokens ? layer.lookup(op) : INT64_MAX;
  }

private:
  llvm::DenseMap<Operation *, int64_t> layer;
};

} // namespace

/// "weight", "gamma", ... of an operand.
static std::string operandName(OpOperand &operand) {
  Operation *op = operand.getOwner();
  unsigned number = operand.getOperandNumber();
  if (isa<LinearOp>(op))
    return number == 1 ? "weight" : "bias";
  if (isa<LayerNormOp>(op))
    return number == 1 ? "gamma" : "beta";
  if (isa<AdapterOp>(op))
    return number == 1 ? "down" : number == 2 ? "down bias" : number == 3 ? "up" : "up bias";
  return isa<EmbeddingOp>(op) ? "table" : "operand " + std::to_string(number);
}

/// "layers 0-2 5", "layer 3".
static std::string layerText(ArrayRef<int64_t> layers) {
  std::string text;
  for (size_t i = 0; i < layers.size();) {
    size_t end = i + 1;
    while (end < layers.size() && layers[end] == layers[end - 1] + 1)
      ++end;
    text += " " + std::to_string(layers[i]);
    if (end - i > 1)
      text += "-" + std::to_string(layers[end - 1]);
    i = end;
  }
  return (layers.size() > 1 ? "layers" : "layer") + text;
}

llvm::MapVector<StringAttr, std::vector<std::string>> aac::describeUses(SuiteOp suite) {
  llvm::MapVector<StringAttr, std::vector<std::string>> uses;
  for (TaskOp task : suite.getOps<TaskOp>()) {
    Places places(task);
    // By parameter and then by operand: the layers, in order of occurrence.
    llvm::MapVector<StringAttr, llvm::MapVector<std::string, SmallVector<int64_t>,
                                                std::map<std::string, unsigned>>>
        found;
    auto note = [&](FlatSymbolRefAttr symbol, OpOperand &operand, int64_t repetition) {
      Operation *op = operand.getOwner();
      std::string what = (op->getName().stripDialect() + " " + operandName(operand)).str();
      int64_t layer = places.of(op);
      if (repetition >= 0)
        layer = repetition;
      SmallVector<int64_t> &layers = found[symbol.getAttr()][what];
      if (!llvm::is_contained(layers, layer))
        layers.push_back(layer);
    };
    task.walk([&](Operation *op) {
      if (auto use = dyn_cast<UseOp>(op))
        for (OpOperand &operand : use.getResult().getUses())
          note(use.getParamAttr(), operand, -1);
      else if (auto each = dyn_cast<UseEachOp>(op))
        for (auto [number, symbol] : llvm::enumerate(each.getParams()))
          for (OpOperand &operand : each.getResult().getUses())
            note(cast<FlatSymbolRefAttr>(symbol), operand, number);
    });
    for (auto &[name, byOperand] : found) {
      if (!uses[name].empty())
        continue;
      for (auto &[what, layers] : byOperand) {
        llvm::sort(layers);
        std::string place;
        if (layers.front() < 0)
          place = "embedding";
        SmallVector<int64_t> numbered;
        for (int64_t layer : layers)
          if (layer >= 0 && layer != INT64_MAX)
            numbered.push_back(layer);
        if (!numbered.empty())
          place += (place.empty() ? "" : " and ") + layerText(numbered);
        if (layers.back() == INT64_MAX)
          place += place.empty() ? "head" : " and head";
        uses[name].push_back(what + ", " + place);
      }
    }
  }
  return uses;
}

FailureOr<SharingReport> aac::reportSharing(SuiteOp suite, AdaptivFloatFormat format) {
  SharingReport report;
  auto uses = describeUses(suite);
  for (TaskOp task : suite.getOps<TaskOp>())
    report.taskBytes[task.getSymName().str()] = 0;
  for (ParamOp param : suite.getOps<ParamOp>()) {
    if (!param.getSharing() || !param.getTasks())
      return param.emitOpError("has no 'sharing' and 'tasks': run aac-share first");
    SharingReport::Parameter row;
    RankedTensorType type = param.getTensorType();
    row.name = param.getSymName().str();
    row.role = stringifyRole(roleOf(param)).str();
    row.shape = type.getShape().vec();
    row.bytes = type.getNumElements() * static_cast<int64_t>(sizeof(float));
    row.sharing = std::string(stringifySharing(*param.getSharing()));
    ArrayAttr taskNames = *param.getTasks();
    for (Attribute task : taskNames)
      row.tasks.push_back(cast<StringAttr>(task).str());
    row.usedBy = uses.lookup(param.getSymNameAttr());
    report.inputBytes += row.bytes * static_cast<int64_t>(row.tasks.size());
    if (*param.getSharing() == Sharing::Shared)
      report.sharedBytes += row.bytes;
    else if (*param.getSharing() == Sharing::Subset)
      report.subsetBytes += row.bytes;
    else if (!row.tasks.empty())
      report.taskBytes[row.tasks.front()] += row.bytes;
    report.parameters.push_back(std::move(row));
  }
  FailureOr<std::vector<NearDuplicate>> near = findNearDuplicates(suite, format);
  if (failed(near))
    return failure();
  for (NearDuplicate &pair : *near)
    report.nearDuplicates.push_back(
        {pair.first.getSymName().str(), pair.second.getSymName().str(),
         pair.kind == NearDuplicate::Kind::Transposed ? "transposed" : "quantised",
         pair.first.getTensorType().getNumElements() * static_cast<int64_t>(sizeof(float)),
         pair.largestDifference});
  return report;
}

/// "768x768", "scalar" for rank 0.
static std::string shapeText(llvm::ArrayRef<int64_t> shape) {
  std::string text;
  for (int64_t d : shape)
    text += (text.empty() ? "" : "x") + std::to_string(d);
  return text.empty() ? "scalar" : text;
}

/// A name as a table shows it, whatever a file says: without control characters, and of a long
/// one the end, which says more than its beginning.
static std::string shown(llvm::StringRef name) {
  constexpr size_t kWidth = 110;
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::printEscapedString(name, os);
  return text.size() <= kWidth ? text : ".." + text.substr(text.size() - (kWidth - 2));
}

static std::string shown(llvm::ArrayRef<std::string> names, llvm::StringRef separator) {
  return llvm::join(llvm::map_range(names, [](const std::string &name) { return shown(name); }),
                    separator);
}

void SharingReport::printText(llvm::raw_ostream &os) const {
  size_t nameWidth = 9, shapeWidth = 5, useWidth = 7;
  for (const Parameter &row : parameters) {
    nameWidth = std::max(nameWidth, shown(row.name).size());
    shapeWidth = std::max(shapeWidth, shapeText(row.shape).size());
    useWidth = std::max(useWidth, shown(row.usedBy, "; ").size());
  }
  auto line = [&](llvm::StringRef name, llvm::StringRef role, llvm::StringRef shape,
                  llvm::StringRef bytes, llvm::StringRef saved, llvm::StringRef sharing,
                  llvm::StringRef uses, llvm::StringRef tasks) {
    os << llvm::left_justify(name, nameWidth) << "  " << llvm::left_justify(role, 10) << "  "
       << llvm::left_justify(shape, shapeWidth) << "  " << llvm::right_justify(bytes, 11) << "  "
       << llvm::right_justify(saved, 11) << "  " << llvm::left_justify(sharing, 6) << "  "
       << llvm::left_justify(uses, useWidth) << "  " << tasks << "\n";
  };
  line("parameter", "role", "shape", "bytes", "saved", "class", "used by", "tasks");
  for (const Parameter &row : parameters)
    line(shown(row.name), row.role, shapeText(row.shape), std::to_string(row.bytes),
         std::to_string(row.savedBytes()), row.sharing, shown(row.usedBy, "; "),
         shown(row.tasks, " "));
  for (const Near &pair : nearDuplicates) {
    os << (&pair == nearDuplicates.data() ? "\nnear-duplicates, stored apart\n" : "") << "  "
       << shown(pair.first) << " and " << shown(pair.second) << ": ";
    if (pair.kind == "transposed")
      os << "equal up to transposition";
    else
      os << "equal after quantisation, largest difference "
         << llvm::format("%.3g", pair.largestDifference) << " (merge=quantised saves " << pair.bytes
         << " bytes)";
    os << "\n";
  }
  int64_t stored = sharedBytes + subsetBytes;
  os << "\nshared by all tasks  " << sharedBytes << " bytes\n";
  os << "shared by some       " << subsetBytes << " bytes\n";
  for (const auto &[task, bytes] : taskBytes) {
    os << "only " << llvm::left_justify(shown(task), 15) << " " << bytes << " bytes\n";
    stored += bytes;
  }
  os << "stored               " << stored << " bytes";
  if (inputBytes > 0)
    os << ", " << llvm::format("%.1f", 100.0 * stored / inputBytes) << " % of the " << inputBytes
       << " bytes that the tasks hold alone";
  os << "\n";
}

void SharingReport::printJson(llvm::raw_ostream &os) const {
  llvm::json::OStream json(os, 2);
  json.object([&] {
    json.attributeArray("parameters", [&] {
      for (const Parameter &row : parameters)
        json.object([&] {
          json.attribute("name", row.name);
          json.attribute("role", row.role);
          json.attributeArray("shape", [&] {
            for (int64_t d : row.shape)
              json.value(d);
          });
          json.attribute("bytes", row.bytes);
          json.attribute("class", row.sharing);
          json.attributeArray("tasks", [&] {
            for (const std::string &task : row.tasks)
              json.value(task);
          });
          json.attributeArray("used_by", [&] {
            for (const std::string &use : row.usedBy)
              json.value(use);
          });
          json.attribute("saved_bytes", row.savedBytes());
        });
    });
    json.attributeArray("near_duplicates", [&] {
      for (const Near &pair : nearDuplicates)
        json.object([&] {
          json.attribute("first", pair.first);
          json.attribute("second", pair.second);
          json.attribute("kind", pair.kind);
          json.attribute("bytes", pair.bytes);
          json.attribute("largest_difference", pair.largestDifference);
        });
    });
    json.attributeObject("totals", [&] {
      json.attribute("shared_bytes", sharedBytes);
      json.attribute("subset_bytes", subsetBytes);
      json.attributeObject("task_bytes", [&] {
        for (const auto &[task, bytes] : taskBytes)
          json.attribute(task, bytes);
      });
      json.attribute("input_bytes", inputBytes);
    });
  });
  os << "\n";
}
