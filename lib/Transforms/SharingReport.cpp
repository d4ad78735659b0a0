//===- SharingReport.cpp - the sharing report as text and JSON ------------===//
#include "aac/Transforms/Sharing.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/JSON.h"

using namespace mlir;
using namespace aac;
using namespace aac::ir;

FailureOr<SharingReport> aac::reportSharing(SuiteOp suite) {
  SharingReport report;
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
    report.inputBytes += row.bytes * static_cast<int64_t>(row.tasks.size());
    if (*param.getSharing() == Sharing::Shared)
      report.sharedBytes += row.bytes;
    else if (*param.getSharing() == Sharing::Subset)
      report.subsetBytes += row.bytes;
    else if (!row.tasks.empty())
      report.taskBytes[row.tasks.front()] += row.bytes;
    report.parameters.push_back(std::move(row));
  }
  return report;
}

/// "768x768", "scalar" for rank 0.
static std::string shapeText(llvm::ArrayRef<int64_t> shape) {
  std::string text;
  for (int64_t d : shape)
    text += (text.empty() ? "" : "x") + std::to_string(d);
  return text.empty() ? "scalar" : text;
}

void SharingReport::printText(llvm::raw_ostream &os) const {
  size_t nameWidth = 9, shapeWidth = 5;
  for (const Parameter &row : parameters) {
    nameWidth = std::max(nameWidth, row.name.size());
    shapeWidth = std::max(shapeWidth, shapeText(row.shape).size());
  }
  auto line = [&](llvm::StringRef name, llvm::StringRef role, llvm::StringRef shape,
                  llvm::StringRef bytes, llvm::StringRef sharing, llvm::StringRef tasks) {
    os << llvm::left_justify(name, nameWidth) << "  " << llvm::left_justify(role, 10) << "  "
       << llvm::left_justify(shape, shapeWidth) << "  " << llvm::right_justify(bytes, 11) << "  "
       << llvm::left_justify(sharing, 6) << "  " << tasks << "\n";
  };
  line("parameter", "role", "shape", "bytes", "class", "tasks");
  for (const Parameter &row : parameters)
    line(row.name, row.role, shapeText(row.shape), std::to_string(row.bytes), row.sharing,
         llvm::join(row.tasks, " "));
  int64_t stored = sharedBytes + subsetBytes;
  os << "\nshared by all tasks  " << sharedBytes << " bytes\n";
  os << "shared by some       " << subsetBytes << " bytes\n";
  for (const auto &[task, bytes] : taskBytes) {
    os << "only " << llvm::left_justify(task, 15) << " " << bytes << " bytes\n";
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
