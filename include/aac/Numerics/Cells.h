//===- Cells.h - codes in memory cells of one to three bits -----*- C++ -*-===//
//
// A cell of b bits holds one of 2^b levels; the level is the plain binary number of its bits.
// After programming it may be read as the level above or below, with a probability of its own for
// each level (NVMExplorer's model). So the last bit of a cell flips with every error, the
// first only in the middle: which bits of a code lie where decides what an error costs.
//
// A code takes whole cells. In cells of two bits a code of 8 has four of them, in cells of
// three bits two of three bits and one of two.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_NUMERICS_CELLS_H
#define AAC_NUMERICS_CELLS_H

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include <cstdint>
#include <string>
#include <vector>

namespace aac {

/// Probability that a cell at each level reads as the one below or above. The lowest level
/// has no `down`, the highest no `up`.
struct LevelErrors {
  std::vector<double> down, up;
  /// 2^bits levels of which all are used alike, so that a cell is wrong with probability `rate`
  /// and each step between neighbours is as likely as any other.
  static LevelErrors uniform(int bits, double rate);
  /// Probability that a cell is wrong when all levels are used alike.
  double mean() const;
  /// The same levels, every probability multiplied so that mean() is `rate`; of a level that would
  /// be wrong more than always, down and up keep their ratio. Where mean() is 0, as uniform().
  LevelErrors scaledTo(double rate) const;
};

/// How a code lies in cells.
struct CellFormat {
  std::vector<int> bits;  ///< of each cell of a code
  std::vector<int> order; ///< the code's bits, the first cell's most significant first

  size_t cells() const { return bits.size(); }
  /// Cells of `bitsPerCell` (1 to 3), the code's bits from the most significant down.
  static CellFormat natural(int bitsPerCell, int codeBits = 8);
  /// "s e2 e1 | e0 m3 m2 | m1 m0" for codes of AdaptivFloat<8,3>.
  std::string text() const;
};

/// One level a cell, `format.cells()` for each code.
std::vector<uint8_t> packCells(absl::Span<const uint8_t> codes, const CellFormat &format);
/// The inverse. Error where the cells are no whole codes or a level is too high for its cell.
absl::StatusOr<std::vector<uint8_t>> unpackCells(absl::Span<const uint8_t> levels,
                                                 const CellFormat &format);

/// Expected square of the error that wrong cells make in a value, summed over `histogram` (how
/// often each of the 256 codes of AdaptivFloat<8,3> is there), in units of
/// 2^(2 * minExponent). `errors` has one entry for each cell of a code.
double expectedSquaredError(const CellFormat &format, absl::Span<const LevelErrors> errors,
                            absl::Span<const int64_t> histogram);
/// Sum of the squares of the values themselves, in the same unit.
double sumOfSquares(absl::Span<const int64_t> histogram);

/// The order of the code's bits with the least expectedSquaredError, of all there are; of equal
/// ones the nearest to the natural order.
CellFormat bestCells(int bitsPerCell, absl::Span<const LevelErrors> errors,
                     absl::Span<const int64_t> histogram);

/// Error of each cell of a code in a tier whose full cells have errors `full`. A cell that holds
/// fewer bits than the others has its levels so much further apart that it is never wrong
/// (NVMExplorer's cells of two bits: 7.9e-9, of three: 3.8e-3).
std::vector<LevelErrors> errorsOfCells(const CellFormat &format, const LevelErrors &full);

/// The cells that `order` names: "best" (as bestCells; also an empty text), "natural", or the bits
/// of a code, the first cell's strongest first, with blanks or bars between them: "s e2 | e1 e0 |
/// m3 m2 | m1 m0". `full` are the errors of a cell of `bitsPerCell`. Error where it is none of
/// them.
absl::StatusOr<CellFormat> cellFormatOf(absl::string_view order, int bitsPerCell,
                                        const LevelErrors &full,
                                        absl::Span<const int64_t> histogram);
/// OK if `order` is one that cellFormatOf takes.
absl::Status checkCellOrder(absl::string_view order);

/// Reads `levels` (of packCells) as a memory with `errors` would give them after one
/// programming: each cell on its own, pseudo-random, the same for the same `seed`. Returns how
/// many cells are wrong.
int64_t disturbCells(absl::Span<uint8_t> levels, absl::Span<const LevelErrors> errors,
                     uint64_t seed);

} // namespace aac

#endif // AAC_NUMERICS_CELLS_H
