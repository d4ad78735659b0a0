//===- Eval.cpp - aac eval: the f32 reference interpreter -----------------===//
#include "Common.h"

#include "aac/Pipelines/ToolContext.h"

#include "aac/Import/ONNX.h"
#include "aac/Interp/Interpreter.h"
#include "aac/Support/Npz.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "dialects/ONNX/ONNXDialect.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include <iostream>
#include <map>
#include <optional>

using namespace mlir;

namespace aac::tool {
namespace {

struct EvalArguments {
  std::string module, task, output;
  std::vector<std::string> inputs;
  std::optional<int> caseIndex;
  OnnxArguments onnx;
  bool rounded = false;
};

/// What --input gave, by name; tensors of .pb files without a name by position.
struct Given {
  std::map<std::string, NpyArray> arrays;
  std::map<std::string, interp::Tensor> named;
  std::vector<interp::Tensor> positional;
};

Given readInputs(const std::vector<std::string> &inputs) {
  Given given;
  for (const std::string &text : inputs) {
    if (!absl::EndsWith(text, ".pb")) {
      auto arrays = readNpz(text);
      if (!arrays.ok())
        fail(arrays.status());
      for (NpyArray &array : *arrays)
        given.arrays[array.name] = std::move(array);
      continue;
    }
    size_t equals = text.find('=');
    std::string path = equals == std::string::npos ? text : text.substr(equals + 1);
    auto tensor = onnx::readTensorFile(path);
    if (!tensor.ok())
      fail(tensor.status());
    if (equals == std::string::npos)
      given.positional.push_back(*std::move(tensor));
    else
      given.named[text.substr(0, equals)] = *std::move(tensor);
  }
  return given;
}

/// The array of input `name`: of the case asked for, or by its plain name.
const NpyArray &findArray(const Given &given, const std::string &name,
                          const std::optional<int> &caseIndex) {
  std::string key = caseIndex ? absl::StrCat("in.", *caseIndex, ".", name) : name;
  if (auto found = given.arrays.find(key); found != given.arrays.end())
    return found->second;
  std::vector<std::string> names;
  names.reserve(given.arrays.size());
  for (const auto &[other, array] : given.arrays)
    names.push_back(other);
  bool cases = !caseIndex && given.arrays.count(absl::StrCat("in.0.", name));
  fail(absl::StrCat("no array \"", key, "\" for the input \"", name, "\"",
                    cases ? " (the file holds cases: choose one with --case)" : "",
                    "; there are: ", absl::StrJoin(names, ", ")));
}

/// `tensor` in the type that the file declares for an output, f32 unless that is a narrower or
/// wider float; numpy has no bf16: its values as f32.
NpyArray declared(const std::string &name, interp::Tensor &tensor, Type type) {
  if (tensor.kind != interp::Kind::Float)
    return NpyArray::fromInts(name, tensor.shape, tensor.i);
  bool converts = type && (type.isF16() || type.isBF16() || type.isF64());
  auto element = converts ? cast<FloatType>(type) : FloatType();
  unsigned width = element ? element.getWidth() : 32;
  std::vector<uint8_t> bytes;
  for (float &value : tensor.f) {
    if (width == 32)
      break;
    llvm::APFloat rounded(value);
    bool lossy;
    rounded.convert(element.getFloatSemantics(), llvm::APFloat::rmNearestTiesToEven, &lossy);
    uint64_t bits = rounded.bitcastToAPInt().getZExtValue();
    for (unsigned i = 0; i < width / 8; ++i)
      bytes.push_back(static_cast<uint8_t>(bits >> (8 * i)));
    rounded.convert(llvm::APFloat::IEEEsingle(), llvm::APFloat::rmNearestTiesToEven, &lossy);
    value = rounded.convertToFloat();
  }
  NpyArray array = NpyArray::fromFloats(name, tensor.shape, tensor.f);
  if (width != 32 && !element.isBF16()) {
    array.itemSize = static_cast<int>(width / 8);
    array.bytes = std::move(bytes);
  }
  return array;
}

void printText(const std::string &name, const interp::Tensor &tensor) {
  std::cout << name << " [" << absl::StrJoin(tensor.shape, ", ") << "]:";
  for (float v : tensor.f)
    std::cout << ' ' << v;
  for (int64_t v : tensor.i)
    std::cout << ' ' << v;
  std::cout << "\n";
}

void runEval(const EvalArguments &arguments) {
  auto context = makeToolContext("aac");
  auto module = loadModule(*context, arguments.module, arguments.onnx);
  Operation *graph = findTask(*module, arguments.task);
  std::vector<std::string> names = namesOf(graph, "input_names");
  Given given = readInputs(arguments.inputs);
  if (given.positional.size() > names.size())
    fail(absl::StrCat("the task has ", names.size(), " inputs, got ", given.positional.size()));

  std::vector<interp::Tensor> inputs;
  Block &body = graph->getRegion(0).front();
  for (size_t i = 0; i < names.size(); ++i) {
    if (i < given.positional.size())
      inputs.push_back(given.positional[i]);
    else if (auto found = given.named.find(names[i]); found != given.named.end())
      inputs.push_back(found->second);
    else
      inputs.push_back(toTensor(findArray(given, names[i], arguments.caseIndex),
                                cast<ShapedType>(body.getArgument(i).getType()).getElementType(),
                                names[i]));
  }
  interp::Options options;
  options.roundActivations = arguments.rounded;
  auto outputs = interp::evaluate(graph, std::move(inputs), options);
  if (!outputs.ok())
    fail(outputs.status());

  std::vector<std::string> outputNames = namesOf(graph, "output_names");
  auto types = graph->getAttrOfType<ArrayAttr>(onnx::kOutputTypesAttr);
  if (types && types.size() != outputs->size())
    fail(absl::StrCat("output_types names ", types.size(), " types for ", outputs->size(),
                      " outputs"));
  std::vector<NpyArray> arrays;
  for (size_t i = 0; i < outputs->size(); ++i) {
    auto type = types ? dyn_cast<TypeAttr>(types[i]) : TypeAttr();
    arrays.push_back(declared(outputNames[i], (*outputs)[i], type ? type.getValue() : Type()));
    if (arguments.output.empty())
      printText(outputNames[i], (*outputs)[i]);
  }
  if (arguments.output.empty())
    return;
  if (absl::Status status = writeNpz(arguments.output, arrays); !status.ok())
    fail(status);
}

} // namespace

void addEvalCommand(CLI::App &app) {
  auto arguments = std::make_shared<EvalArguments>();
  CLI::App *command = app.add_subcommand(
      "eval", "Run one task in f32: the reference that everything else is measured against");
  command
      ->add_option("suite", arguments->module,
                   "MLIR text or bytecode with onnx or aac IR (- is standard input), or an "
                   ".onnx file")
      ->required()
      ->type_name("SUITE");
  command->add_option("--task", arguments->task, "the task to run (needed where there are several)")
      ->type_name("NAME");
  command
      ->add_option("--input", arguments->inputs,
                   "an .npz file with arrays named as the model's inputs (- is standard input), "
                   "or ONNX tensors: x.pb in the order of the inputs, or NAME=x.pb")
      ->type_name("FILE")
      ->expected(1)
      ->allow_extra_args(false)
      ->take_all();
  command
      ->add_option("--case", arguments->caseIndex,
                   "use the arrays in.<I>.<input> of a file that holds several cases")
      ->type_name("I");
  command
      ->add_option("-o", arguments->output,
                   "write the outputs to this .npz file (- is standard output); without it they "
                   "are printed")
      ->type_name("FILE");
  command->add_flag("--rounded", arguments->rounded,
                    "round every result to its number format (quantised aac IR): what the "
                    "engine would give if it only rounded");
  arguments->onnx.addBindings(*command);
  command->footer("Example:\n"
                  "  aac-translate --import-onnx sst2=sst2.onnx -o suite.mlir\n"
                  "  aac eval suite.mlir --task=sst2 --input=sentence.npz -o logits.npz");
  command->callback([arguments] { runEval(*arguments); });
}

} // namespace aac::tool
