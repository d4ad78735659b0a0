//===- Turns.h - two places that contents come to in turns ------*- C++ -*-===//
//
// Double buffering, also in a memory that does not hold two contents whole. The first
// place begins at row 0, the second `shift` rows behind it: as many as a content has or,
// where the capacity is less than two contents, as the capacity leaves. Then the places
// overlap:
//
//     rows           0 ......... shift ................ most ......... shift + most
//     first place    [ free      | shared               ]
//     second place               [ shared               | free        ]
//
// While the engine reads the content of one place, the free rows of the next content,
// which that one does not cover, can come in beside it; the others must wait for the engine.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_PLAN_TURNS_H
#define AAC_PLAN_TURNS_H

#include <algorithm>
#include <cstdint>

namespace aac::plan {

/// Rows [begin, end) of a content.
struct Rows {
  int64_t begin = 0, end = 0;
  int64_t count() const { return end - begin; }
};

/// Where the next content goes, and which of its rows need not wait.
struct Place {
  int64_t base = 0; ///< its first row in the memory
  Rows free, rest;
};

class Turns {
public:
  /// One place, for contents of any size.
  Turns() = default;
  /// Two places, if they are not the same, for contents of at most `most` rows in a memory
  /// of `capacity` rows. Where they overlap, they are a multiple of 16 rows apart.
  Turns(int64_t most, int64_t capacity)
      : shift(capacity >= 2 * most ? most : std::max<int64_t>(0, (capacity - most) / 16 * 16)) {}

  /// Rows of the memory that both places take for contents of `most` rows.
  int64_t end(int64_t most) const { return shift + most; }
  /// Free rows of a content that comes after one of as many rows.
  int64_t freeOf(int64_t rows) const { return std::min(rows, shift); }
  /// No content of `most` rows meets the one before.
  bool isWhole(int64_t most) const { return shift >= most; }
  /// The place of the next content, of `rows` rows.
  Place next(int64_t rows) {
    bool second = shift > 0 && number % 2 == 1;
    Place place;
    place.base = second ? shift : 0;
    int64_t split = std::min(rows, second ? std::max<int64_t>(0, before - shift) : shift);
    if (number++ == 0)
      split = rows; // nothing was there
    place.free = second ? Rows{split, rows} : Rows{0, split};
    place.rest = second ? Rows{0, split} : Rows{split, rows};
    before = rows;
    return place;
  }

private:
  int64_t shift = 0, before = 0, number = 0;
};

} // namespace aac::plan

#endif // AAC_PLAN_TURNS_H
