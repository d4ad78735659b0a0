//===- NearDuplicates.cpp - parameters that almost are one ----------------===//
//
// Equal codes are found by the hash of codes and exponent, transposes by a sum over the
// elements that their order does not change; both are then proven element by element. Only
// parameters that have a partner of their type and role, or of the transposed shape, are
// read.
//
//===----------------------------------------------------------------------===//
#include "aac/Support/Hash.h"
#include "aac/Transforms/ParamValues.h"
#include "aac/Transforms/Sharing.h"

#include "mlir/IR/Threading.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"
#include <cmath>
#include <cstring>
#include <map>

using namespace mlir;
using namespace aac;
using namespace aac::ir;

namespace {

/// A parameter that may be like another one.
struct Subject {
  ParamOp param;
  Elements<float> values;
  bool compareCodes = false, compareTransposed = false;
  std::vector<uint16_t> codes;
  int minExponent = 0;
  uint64_t codeHash = 0, sum = 0;
  bool constant = false;
};

uint64_t hashOf(ArrayRef<uint16_t> codes) {
  return hashBytes(
      absl::Span<const uint8_t>(reinterpret_cast<const uint8_t *>(codes.data()), 2 * codes.size()));
}

void quantise(Subject &subject, AdaptivFloatFormat format) {
  ArrayRef<float> values = subject.values.get();
  float most = 0;
  for (float value : values)
    most = std::max(most, std::fabs(value));
  subject.minExponent = chooseMinExponent(format, most);
  subject.codes.resize(values.size());
  if (format.bits <= 8) {
    std::vector<uint8_t> narrow(values.size());
    encodeAdaptivFloat(format, subject.minExponent,
                       absl::Span<const float>(values.data(), values.size()),
                       absl::Span<uint8_t>(narrow));
    llvm::copy(narrow, subject.codes.begin());
  } else {
    for (auto [value, code] : llvm::zip_equal(values, subject.codes))
      code = static_cast<uint16_t>(encodeAdaptivFloat(format, subject.minExponent, value));
  }
  subject.codeHash = hashOf(subject.codes);
}

uint32_t bitsOf(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

/// Sum of the elements' bits: the same in any order.
uint64_t orderlessSum(ArrayRef<float> values) {
  uint64_t sum = 0;
  for (float value : values)
    sum += bitsOf(value);
  return sum;
}

bool isTranspose(Subject &a, Subject &b) {
  int64_t rows = a.param.getTensorType().getDimSize(0),
          columns = a.param.getTensorType().getDimSize(1);
  ArrayRef<float> x = a.values.get(), y = b.values.get();
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c)
      if (bitsOf(x[r * columns + c]) != bitsOf(y[c * rows + r]))
        return false;
  return true;
}

double largestDifference(ArrayRef<float> a, ArrayRef<float> b) {
  double most = 0;
  for (auto [x, y] : llvm::zip_equal(a, b))
    most = std::max(most, std::fabs(static_cast<double>(x) - static_cast<double>(y)));
  return most;
}

/// Parameters that some linear or adapter reads as its bias: these stay f32.
llvm::DenseSet<StringAttr> biasesOf(SuiteOp suite) {
  llvm::DenseSet<StringAttr> biases;
  SymbolTable symbols(suite);
  suite.walk([&](Operation *op) {
    SmallVector<Value> values;
    if (auto linear = dyn_cast<LinearOp>(op))
      values = {linear.getBias()};
    else if (auto adapter = dyn_cast<AdapterOp>(op))
      values = {adapter.getDownBias(), adapter.getUpBias()};
    for (Value value : values)
      for (ParamOp param : paramsBehind(value, symbols))
        biases.insert(param.getSymNameAttr());
  });
  return biases;
}

using TypeAndRole = std::pair<const void *, unsigned>;

} // namespace

FailureOr<std::vector<NearDuplicate>> aac::findNearDuplicates(SuiteOp suite,
                                                              AdaptivFloatFormat format) {
  llvm::DenseSet<StringAttr> biases = biasesOf(suite);
  std::map<TypeAndRole, int> alike;
  std::map<std::pair<int64_t, int64_t>, int> shapes;
  auto keyOf = [](ParamOp param) {
    return TypeAndRole(param.getType().getAsOpaquePointer(), static_cast<unsigned>(roleOf(param)));
  };
  std::vector<Subject> subjects;
  for (ParamOp param : suite.getOps<ParamOp>()) {
    if (param->hasAttr(kForkAttr) || param.getFormat())
      continue;
    subjects.emplace_back();
    subjects.back().param = param;
    ArrayRef<int64_t> shape = param.getTensorType().getShape();
    if (!biases.contains(param.getSymNameAttr()))
      ++alike[keyOf(param)];
    if (shape.size() == 2)
      ++shapes[{shape[0], shape[1]}];
  }
  for (Subject &subject : subjects) {
    ArrayRef<int64_t> shape = subject.param.getTensorType().getShape();
    subject.compareCodes =
        !biases.contains(subject.param.getSymNameAttr()) && alike[keyOf(subject.param)] > 1;
    if (shape.size() == 2 && shape[0] > 1 && shape[1] > 1) {
      auto partner = shapes.find({shape[1], shape[0]});
      subject.compareTransposed =
          partner != shapes.end() && partner->second > (shape[0] == shape[1] ? 1 : 0);
    }
    if (!subject.compareCodes && !subject.compareTransposed)
      continue;
    FailureOr<Elements<float>> values = readFloats(subject.param);
    if (failed(values))
      return failure();
    subject.values = std::move(*values);
  }
  llvm::erase_if(subjects,
                 [](const Subject &s) { return !s.compareCodes && !s.compareTransposed; });
  parallelForEach(suite.getContext(), subjects, [&](Subject &subject) {
    ArrayRef<float> values = subject.values.get();
    subject.constant = llvm::all_equal(values);
    if (subject.compareTransposed)
      subject.sum = orderlessSum(values);
    if (subject.compareCodes && !(subject.constant && isTaskRole(roleOf(subject.param))))
      quantise(subject, format);
    else
      subject.compareCodes = false;
  });

  std::vector<NearDuplicate> found;
  std::map<std::tuple<TypeAndRole, uint64_t, int>, SmallVector<Subject *>> byCodes;
  std::map<std::pair<int64_t, uint64_t>, SmallVector<Subject *>> bySum;
  for (Subject &subject : subjects) {
    if (subject.compareCodes) {
      auto &leaders = byCodes[{keyOf(subject.param), subject.codeHash, subject.minExponent}];
      auto *same = llvm::find_if(leaders, [&](Subject *s) { return s->codes == subject.codes; });
      if (same == leaders.end())
        leaders.push_back(&subject);
      else
        found.push_back({(*same)->param, subject.param, NearDuplicate::Kind::Quantised,
                         largestDifference((*same)->values.get(), subject.values.get())});
    }
    if (subject.compareTransposed && !subject.constant) {
      auto &others = bySum[{subject.param.getTensorType().getNumElements(), subject.sum}];
      for (Subject *other : others)
        if (other->param.getTensorType().getDimSize(0) ==
                subject.param.getTensorType().getDimSize(1) &&
            isTranspose(*other, subject)) {
          found.push_back({other->param, subject.param, NearDuplicate::Kind::Transposed, 0});
          break;
        }
      others.push_back(&subject);
    }
  }
  return found;
}
