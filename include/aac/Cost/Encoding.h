//===- Encoding.h - what each parameter takes, and what it would at best -*- C++ -*-===//
#ifndef AAC_COST_ENCODING_H
#define AAC_COST_ENCODING_H

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace aac::cost {

inline constexpr char kReportSchema[] = "aac-report/1"; ///< docs/report.md

/// One stored tensor: a parameter, or one of every repetition of a layer, with the bias or
/// beta that lies within. Or a parameter of a suite that is not encoded (`isStored` false), for
/// analysis: its sizes are those of dense codes.
struct EncodedTensor {
  std::string name; ///< of the first parameter
  std::string kind; ///< "weights" (the engine's), "rows" (the host's tables), "vectors"
  std::string role, sharing, tier;
  std::vector<std::string> tasks;
  std::string format; ///< of the codes: "af8e3", "int8:channel"
  bool isStored = true;
  bool dense = false;
  int64_t weights = 0;     ///< elements of the parameters, biases and betas left out
  int64_t zeros = 0;       ///< of them
  int64_t vectors = 0;     ///< of 16 elements of a row
  int64_t nullVectors = 0; ///< of them zero throughout
  /// Vectors of 16 codes as the engine reads them (its weights' tiles: padding and biases too), and
  /// those that are zero throughout: what it can skip. The simulator counts the same.
  int64_t engineVectors = 0, engineNullVectors = 0;
  uint64_t denseBytes = 0; ///< with all zeros stored
  uint64_t maskBytes = 0;  ///< of masks and row offsets; 0 where dense
  uint64_t dataBytes = 0;  ///< stored - mask: codes and padding
  uint64_t scaleBytes = 0; ///< of data: scales and zero points of int8
  uint64_t storedBytes = 0;
  /// Of data: zeros behind the shorter lanes of each tile, in bit-masked weights. What it costs
  /// that masks and data start anew every `tileRows` output features.
  uint64_t paddingBytes = 0;
  int64_t tileRows = 0;   ///< 0 where there are no tiles
  double entropyBits = 0; ///< order-0 entropy of the codes, per weight

  /// Stored bits a weight.
  double storedBits() const;
  /// Stored bits over entropy; 0 where the entropy is.
  double ratio() const;
};

/// The cells that a tier's parameters take, where a cell can be wrong or holds several bits.
struct CellUse {
  std::string tier;
  int bitsPerCell = 1;
  int64_t dataCells = 0; ///< of codes, at the tier's bits a cell
  int64_t maskCells = 0; ///< of masks, at one bit a cell: an error there shifts what follows
  double errorRate = 0;  ///< typical, of a cell
  bool byLevel = false;  ///< the machine gives it level by level; else all steps are as likely
  double wrongCells = 0; ///< expected among dataCells
  std::string order;     ///< of a code's bits, first cell first, each cell's strongest bit first
  /// Squared values over the squared error that wrong cells are expected to make, in decibels, in
  /// that order and in the natural one; infinite without errors.
  double sqnrDb = 0, naturalSqnrDb = 0;
};

/// How the parameters of a suite are stored (reportEncoding of the compiler).
struct Encoding {
  std::vector<EncodedTensor> tensors; ///< in the order in which they are stored
  std::vector<CellUse> cells;
};

/// A table: shared tensors each, those of a task together.
std::string printEncodingText(const Encoding &encoding);
/// `encoding` of schema "aac-report/1" (docs/report.md).
nlohmann::ordered_json encodingJson(const Encoding &encoding);
/// A report of that schema with the section alone: of a suite that is no stream yet.
std::string printEncodingJson(const Encoding &encoding);

} // namespace aac::cost

#endif // AAC_COST_ENCODING_H
