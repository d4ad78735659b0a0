//===- EncodingReport.cpp - how a suite's parameters are stored -----------===//
#include "aac/Transforms/EncodingReport.h"

#include "aac/Numerics/Cells.h"
#include "aac/Numerics/Layout.h"
#include "aac/Transforms/FormatName.h"
#include "aac/Transforms/ParamValues.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Threading.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/bit.h"
#include <array>
#include <cmath>

using namespace mlir;
using namespace aac;
using namespace aac::ir;

namespace {

using Histogram = std::array<int64_t, 256>;

/// A stored tensor on its way into the report.
struct Row {
  StoredOp stored;
  SmallVector<ParamOp> params;
  std::vector<Elements<uint8_t>> codes; ///< one a parameter
  Histogram histogram{};
  cost::EncodedTensor tensor;
};

bool isZero(uint8_t code) { return (code & 0x7f) == 0; }

/// Counts codes and vectors of one parameter.
void count(ArrayRef<uint8_t> codes, int64_t columns, Row &row) {
  for (uint8_t code : codes)
    ++row.histogram[code];
  if (columns <= 0)
    return;
  for (size_t r = 0; r < codes.size(); r += columns)
    for (int64_t c = 0; c < columns; c += kLanes) {
      ++row.tensor.vectors;
      row.tensor.nullVectors +=
          llvm::all_of(codes.slice(r + c, std::min<int64_t>(kLanes, columns - c)), isZero);
    }
}

/// Counts the vectors of a stored weight as the engine reads them; returns the codes that masks
/// say are there.
uint64_t countEngineVectors(StoredOp stored, cost::EncodedTensor &tensor) {
  auto resource = dyn_cast<DenseResourceElementsAttr>(stored.getValue());
  AsmResourceBlob *blob = resource ? resource.getRawHandle().getBlob() : nullptr;
  if (!blob)
    return 0;
  // Masks of all tiles lie in front of their data; dense tiles are data alone.
  size_t vectorBytes = tensor.dense ? kLanes : 2;
  uint64_t codes = 0;
  for (uint64_t r = 0; r < stored.getCount(); ++r) {
    size_t size = tensor.dense ? stored.getStride() : stored.getDataOffsets()->front();
    ArrayRef<uint8_t> vectors(
        reinterpret_cast<const uint8_t *>(blob->getData().data()) + r * stored.getStride(), size);
    for (size_t at = 0; at < size; at += vectorBytes) {
      ArrayRef<uint8_t> vector = vectors.slice(at, vectorBytes);
      ++tensor.engineVectors;
      if (tensor.dense) {
        tensor.engineNullVectors += llvm::all_of(vector, isZero);
        continue;
      }
      int lanes = llvm::popcount(vector[0]) + llvm::popcount(vector[1]);
      tensor.engineNullVectors += lanes == 0;
      codes += lanes;
    }
  }
  return codes;
}

/// Bytes of masks and offsets, and what the dense form would take.
void measure(Row &row) {
  StoredOp stored = row.stored;
  cost::EncodedTensor &tensor = row.tensor;
  uint64_t repetitions = stored.getCount();
  tensor.storedBytes = repetitions * stored.getStride();
  tensor.denseBytes = tensor.storedBytes;
  tensor.dense = !stored.getMaskOffsets() || stored.getMaskOffsets()->front() < 0;
  if (!tensor.dense && tensor.kind == "weights") {
    // Masks lie in front of all data, a bit for each byte of the dense form.
    tensor.maskBytes = repetitions * stored.getDataOffsets()->front();
    tensor.denseBytes = 8 * tensor.maskBytes;
  } else if (!tensor.dense) {
    ArrayRef<int64_t> shape = row.params.front().getTensorType().getShape();
    int64_t words = roundUp(shape[1], kLanes) / kLanes;
    tensor.maskBytes = stored.getDataOffsets()->front() + 2 * shape[0] * words;
    tensor.denseBytes = shape[0] * words * kLanes;
  }
  tensor.dataBytes = tensor.storedBytes - tensor.maskBytes;
  tensor.tileRows = static_cast<int64_t>(stored.getTileRows().value_or(0));
  if (tensor.kind == "weights") {
    uint64_t codes = countEngineVectors(stored, tensor);
    tensor.paddingBytes = tensor.dense ? 0 : tensor.dataBytes - codes;
  }
}

void analyse(Row &row) {
  for (auto [param, codes] : llvm::zip_equal(row.params, row.codes)) {
    ArrayRef<int64_t> shape = param.getTensorType().getShape();
    count(codes.get(), shape.empty() ? 1 : shape.back(), row);
    row.tensor.weights += static_cast<int64_t>(codes.get().size());
  }
  row.tensor.zeros = row.histogram[0x00] + row.histogram[0x80];
  row.tensor.entropyBits = entropyOfCounts(row.histogram);
  measure(row);
}

/// Zero of a value: of an AdaptivFloat the code but for its sign, of int8 the channel's zero point.
class ZeroCode {
public:
  ZeroCode(Attribute format, ArrayRef<int64_t> shape)
      : int8(dyn_cast<Int8Attr>(format)), bits(codeBits(format)) {
    for (size_t i = int8 ? int8.getAxis() + 1 : shape.size(); i < shape.size(); ++i)
      inner *= shape[i];
  }
  bool is(size_t element, unsigned code) const {
    if (!int8)
      return (code & ((1u << (bits - 1)) - 1)) == 0;
    ArrayRef<int32_t> zeros = int8.getZeros();
    return static_cast<int8_t>(code) == zeros[element / inner % zeros.size()];
  }

private:
  Int8Attr int8;
  int64_t bits;
  size_t inner = 1; ///< elements of a channel in a row
};

/// What a parameter takes whose codes nothing stores.
FailureOr<cost::EncodedTensor> analyseCodes(ParamOp param) {
  FailureOr<Elements<uint8_t>> bytes = readBytes(param);
  if (failed(bytes))
    return failure();
  Attribute format = param.getFormatAttr();
  ArrayRef<int64_t> shape = param.getTensorType().getShape();
  cost::EncodedTensor tensor;
  tensor.name = param.getSymName().str();
  tensor.role = param.getRole() ? stringifyRole(*param.getRole()).str() : "other";
  tensor.kind = shape.size() < 2 ? "vectors" : tensor.role == "embedding" ? "rows" : "weights";
  tensor.sharing = param.getSharing() ? stringifySharing(*param.getSharing()).str() : "task";
  if (param.getTasks())
    for (StringRef task : param.getTasks()->getAsValueRange<StringAttr>())
      tensor.tasks.push_back(task.str());
  tensor.format = formatName(format);
  tensor.isStored = false;
  tensor.dense = true;
  tensor.weights = param.getTensorType().getNumElements();
  tensor.scaleBytes = scaleBytes(format);
  tensor.denseBytes = tensor.dataBytes = tensor.storedBytes = denseBytes(format, tensor.weights);

  size_t codeBytes = tensor.weights ? bytes->get().size() / tensor.weights : 1;
  std::vector<int64_t> histogram(size_t{1} << (8 * codeBytes));
  ZeroCode zero(format, shape);
  size_t columns = shape.empty() ? 1 : shape.back(), vectorZeros = 0;
  for (size_t i = 0, count = tensor.weights; i < count; ++i) {
    unsigned code = bytes->get()[i * codeBytes];
    if (codeBytes > 1)
      code |= bytes->get()[i * codeBytes + 1] << 8;
    ++histogram[code];
    size_t column = i % columns, lane = column % kLanes;
    bool isNull = zero.is(i, code);
    tensor.zeros += isNull;
    vectorZeros = (lane ? vectorZeros : 0) + isNull;
    if (lane == kLanes - 1 || column == columns - 1) {
      ++tensor.vectors;
      tensor.nullVectors += vectorZeros == lane + 1;
    }
  }
  tensor.entropyBits = entropyOfCounts(histogram);
  return tensor;
}

/// The parameters of a suite that is quantised and not encoded.
FailureOr<cost::Encoding> reportCodes(SuiteOp suite) {
  SmallVector<ParamOp> params = llvm::filter_to_vector(
      suite.getOps<ParamOp>(), [](ParamOp param) { return param.getFormat().has_value(); });
  std::vector<FailureOr<cost::EncodedTensor>> tensors(params.size(), failure());
  parallelFor(suite.getContext(), 0, params.size(),
              [&](size_t i) { tensors[i] = analyseCodes(params[i]); });
  cost::Encoding encoding;
  for (FailureOr<cost::EncodedTensor> &tensor : tensors) {
    if (failed(tensor))
      return failure();
    encoding.tensors.push_back(std::move(*tensor));
  }
  return encoding;
}

double decibels(double signal, double noise) {
  return noise > 0 ? 10 * std::log10(signal / noise) : HUGE_VAL;
}

cost::CellUse cellsOf(const Tier &tier, ArrayRef<Row> rows) {
  cost::CellUse use;
  use.tier = tier.name;
  use.bitsPerCell = tier.bitsPerCell;
  use.errorRate = tier.cellErrorRate.typical;
  CellFormat natural = CellFormat::natural(tier.bitsPerCell);
  Histogram histogram{};
  for (const Row &row : rows) {
    if (row.tensor.tier != tier.name)
      continue;
    use.dataCells += static_cast<int64_t>(row.tensor.dataBytes * natural.cells());
    use.maskCells += static_cast<int64_t>(8 * row.tensor.maskBytes);
    for (size_t code = 0; code < histogram.size(); ++code)
      if (row.tensor.dense || !isZero(code))
        histogram[code] += row.histogram[code];
  }
  use.wrongCells = use.errorRate * static_cast<double>(use.dataCells);
  use.byLevel = !tier.levelErrors.down.empty();
  LevelErrors full = tier.errorsAt(use.errorRate);
  std::vector<LevelErrors> errors = errorsOfCells(natural, full);
  // The machine was loaded, so its order is one.
  CellFormat chosen =
      cellFormatOf(tier.cellOrder, tier.bitsPerCell, full, histogram).value_or(natural);
  double signal = sumOfSquares(histogram);
  use.order = chosen.text();
  use.sqnrDb = decibels(signal, expectedSquaredError(chosen, errors, histogram));
  use.naturalSqnrDb = decibels(signal, expectedSquaredError(natural, errors, histogram));
  return use;
}

} // namespace

FailureOr<cost::Encoding> aac::reportEncoding(SuiteOp suite, const Machine *machine) {
  if (suite.getOps<StoredOp>().empty())
    return reportCodes(suite);
  SymbolTable symbols(suite);
  std::vector<Row> rows;
  for (StoredOp stored : suite.getOps<StoredOp>()) {
    Row row;
    row.stored = stored;
    bool isVectors = stored.getKind() == "vectors"; // gammas and betas both are codes
    size_t most = isVectors ? SIZE_MAX : static_cast<size_t>(stored.getCount());
    for (StringRef name : stored.getSources().getAsValueRange<StringAttr>())
      if (auto param = symbols.lookup<ParamOp>(name);
          param && param.getFormat() && row.params.size() < most)
        row.params.push_back(param);
    if (row.params.empty())
      continue;
    for (ParamOp param : row.params) {
      FailureOr<Elements<uint8_t>> codes = readCodes(param);
      if (failed(codes))
        return failure();
      row.codes.push_back(std::move(*codes));
    }
    row.tensor.name = row.params.front().getSymName().str();
    row.tensor.format = formatName(row.params.front().getFormatAttr());
    row.tensor.kind = stored.getKind().str();
    row.tensor.role = stored.getRole() ? stringifyRole(*stored.getRole()).str() : "other";
    row.tensor.sharing = stringifySharing(stored.getSharing()).str();
    for (StringRef task : stored.getTasks().getAsValueRange<StringAttr>())
      row.tensor.tasks.push_back(task.str());
    if (stored.getBuffer())
      row.tensor.tier = stored.getBuffer()->getTier().str();
    rows.push_back(std::move(row));
  }
  parallelForEach(suite.getContext(), rows, analyse);

  cost::Encoding encoding;
  for (const Tier &tier : machine ? ArrayRef<Tier>(machine->tiers) : ArrayRef<Tier>())
    if (tier.bitsPerCell > 1 || tier.cellErrorRate.typical > 0)
      if (cost::CellUse use = cellsOf(tier, rows); use.dataCells > 0)
        encoding.cells.push_back(std::move(use));
  for (Row &row : rows)
    encoding.tensors.push_back(std::move(row.tensor));
  return encoding;
}
