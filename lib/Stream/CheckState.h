//===- CheckState.h - what the checker knows of memory ----------*- C++ -*-===//
#ifndef AAC_LIB_STREAM_CHECKSTATE_H
#define AAC_LIB_STREAM_CHECKSTATE_H

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <map>
#include <vector>

namespace aac::check {

/// A set of addresses as intervals that neither overlap nor touch.
class IntervalSet {
public:
  void add(uint64_t begin, uint64_t end) {
    auto next = intervals.upper_bound(begin);
    if (next != intervals.begin() && std::prev(next)->second >= begin)
      --next;
    while (next != intervals.end() && next->first <= end) {
      begin = std::min(begin, next->first);
      end = std::max(end, next->second);
      next = intervals.erase(next);
    }
    intervals.emplace(begin, end);
  }
  /// The first address of [begin, end) in the set, or `end`.
  uint64_t firstIn(uint64_t begin, uint64_t end) const {
    auto next = intervals.upper_bound(begin);
    if (next != intervals.begin() && std::prev(next)->second > begin)
      return begin;
    return next == intervals.end() ? end : std::min(end, next->first);
  }
  /// Adds to `out` what of [begin, end) is not in this set.
  void addMissing(uint64_t begin, uint64_t end, IntervalSet &out) const {
    auto next = intervals.upper_bound(begin);
    if (next != intervals.begin())
      begin = std::max(begin, std::min(end, std::prev(next)->second));
    for (; begin < end; ++next) {
      uint64_t stop = next == intervals.end() ? end : std::min(end, next->first);
      if (begin < stop)
        out.add(begin, stop);
      if (next == intervals.end())
        return;
      begin = next->second;
    }
  }

  void addAllTo(IntervalSet &other) const {
    for (auto [begin, end] : intervals)
      other.add(begin, end);
  }

private:
  std::map<uint64_t, uint64_t> intervals; // begin -> end
};

/// Bytes of tiers that are written, and what is known of them.
class TierMap {
public:
  struct Piece {
    uint64_t end;
    const uint8_t *data; ///< the bytes, null if they are computed
    int image;           ///< image that they come from, -1: none
  };

  void erase(uint64_t begin, uint64_t end) {
    split(begin);
    split(end);
    pieces.erase(pieces.lower_bound(begin), pieces.lower_bound(end));
  }

  void write(uint64_t begin, uint64_t end, const uint8_t *data, int image) {
    if (begin == end)
      return;
    erase(begin, end);
    auto next = pieces.lower_bound(begin);
    if (next != pieces.begin()) {
      auto previous = std::prev(next);
      if (joins(*previous, begin, data, image)) {
        previous->second.end = end;
        joinNext(previous);
        return;
      }
    }
    joinNext(pieces.emplace_hint(next, begin, Piece{end, data, image}));
  }

  /// Calls f(begin, end, piece) for what is written of [begin, end), and f with a null
  /// piece for what is not. `f` must not change the map.
  template <typename F> void forEach(uint64_t begin, uint64_t end, F f) const {
    auto next = pieces.upper_bound(begin);
    if (next != pieces.begin() && std::prev(next)->second.end > begin)
      --next;
    while (begin < end) {
      uint64_t start = next == pieces.end() ? end : std::min(end, next->first);
      if (begin < start) {
        f(begin, start, static_cast<const Piece *>(nullptr), static_cast<const uint8_t *>(nullptr));
        begin = start;
      }
      if (begin == end)
        return;
      uint64_t stop = std::min(end, next->second.end);
      const uint8_t *data = next->second.data;
      f(begin, stop, &next->second, data ? data + (begin - next->first) : nullptr);
      begin = stop;
      ++next;
    }
  }

  /// The bytes of [begin, end) if all of them are known.
  bool known(uint64_t begin, uint64_t end, std::vector<uint8_t> &bytes) const {
    bool all = true;
    bytes.clear();
    forEach(begin, end, [&](uint64_t from, uint64_t to, const Piece *, const uint8_t *data) {
      all &= data != nullptr;
      if (data)
        bytes.insert(bytes.end(), data, data + (to - from));
    });
    return all;
  }

private:
  using Pieces = std::map<uint64_t, Piece>; // by first byte

  static bool joins(const Pieces::value_type &before, uint64_t begin, const uint8_t *data,
                    int image) {
    const Piece &piece = before.second;
    return piece.end == begin && piece.image == image &&
           (piece.data ? data == piece.data + (begin - before.first) : data == nullptr);
  }
  void joinNext(Pieces::iterator piece) {
    auto next = std::next(piece);
    if (next != pieces.end() && joins(*piece, next->first, next->second.data, next->second.image)) {
      piece->second.end = next->second.end;
      pieces.erase(next);
    }
  }
  void split(uint64_t at) {
    auto next = pieces.lower_bound(at);
    if (next == pieces.begin())
      return;
    auto &[begin, piece] = *std::prev(next);
    if (piece.end <= at)
      return;
    const uint8_t *data = piece.data ? piece.data + (at - begin) : nullptr;
    pieces.emplace_hint(next, at, Piece{piece.end, data, piece.image});
    piece.end = at;
  }

  Pieces pieces;
};

/// One of the engine's memories: which rows or words are written.
class WrittenMap {
public:
  explicit WrittenMap(int64_t size) : written(static_cast<size_t>(size)) {}
  int64_t size() const { return static_cast<int64_t>(written.size()); }
  void write(int64_t begin, int64_t count) { std::memset(&written[begin], 1, count); }
  /// The first of `count` from `begin` on that is not written, or -1.
  int64_t firstUnwritten(int64_t begin, int64_t count) const {
    const void *found = std::memchr(&written[begin], 0, count);
    return found ? static_cast<const uint8_t *>(found) - written.data() : -1;
  }
  void forget() { std::fill(written.begin(), written.end(), 0); }

private:
  std::vector<uint8_t> written;
};

/// The words of a mask memory, as far as they are known.
class MaskWords {
public:
  explicit MaskWords(int64_t size)
      : words(static_cast<size_t>(size), 0xffff), isKnown(static_cast<size_t>(size)) {}
  /// Sets `count` words from their little-endian `bytes`.
  void set(int64_t begin, int64_t count, const uint8_t *bytes) {
    for (int64_t i = 0; i < count; ++i)
      words[begin + i] = static_cast<uint16_t>(bytes[2 * i] | bytes[2 * i + 1] << 8);
    std::fill_n(isKnown.begin() + begin, count, 1);
  }
  void setDense(int64_t begin, int64_t count) {
    std::fill_n(words.begin() + begin, count, 0xffff);
    std::fill_n(isKnown.begin() + begin, count, 1);
  }
  void setUnknown(int64_t begin, int64_t count) {
    std::fill_n(words.begin() + begin, count, 0xffff);
    std::fill_n(isKnown.begin() + begin, count, 0);
  }
  /// The first of `count` words that is not known to be all ones, or -1.
  int64_t firstNotDense(int64_t begin, int64_t count) const {
    uint16_t common = 0xffff; // the usual case in one quick pass
    for (int64_t i = begin; i < begin + count; ++i)
      common &= words[i];
    if (common == 0xffff && !std::memchr(&isKnown[begin], 0, count))
      return -1;
    for (int64_t i = begin; i < begin + count; ++i)
      if (!isKnown[i] || words[i] != 0xffff)
        return i;
    return -1;
  }
  /// Rows of data that `count` vectors take: the length of the longest lane. A word that is
  /// not known counts as all ones.
  int64_t dataRows(int64_t begin, int64_t count) const {
    if (firstNotDense(begin, count) < 0)
      return count;
    // Bit k of a counter is its bit of planes[k]: 64 counters at once, four for each lane. 32 words
    // come in carry-save adders to one carry of weight 8.
    uint64_t planes[40] = {};
    auto add = [&planes](uint64_t carry, int k) {
      for (; carry != 0; ++k) {
        uint64_t both = planes[k] & carry;
        planes[k] ^= carry;
        carry = both;
      }
    };
    auto addTwo = [&planes](uint64_t a, uint64_t b, int k) { // returns the carry
      uint64_t either = planes[k] ^ a, carry = (planes[k] & a) | (either & b);
      planes[k] = either ^ b;
      return carry;
    };
    int64_t i = begin;
    for (; i + 32 <= begin + count; i += 32) {
      uint64_t x[8], fours[2];
      std::memcpy(x, &words[i], sizeof(x));
      for (int half = 0; half < 2; ++half) {
        const uint64_t *own = x + 4 * half;
        uint64_t twos = addTwo(own[0], own[1], 0);
        fours[half] = addTwo(twos, addTwo(own[2], own[3], 0), 1);
      }
      add(addTwo(fours[0], fours[1], 2), 3);
    }
    for (; i < begin + count; ++i)
      add(words[i], 0);
    int64_t most = 0;
    for (int lane = 0; lane < 16; ++lane) {
      int64_t rows = 0;
      for (int counter = lane; counter < 64; counter += 16)
        for (int k = 0; k < 40; ++k)
          rows += static_cast<int64_t>(planes[k] >> counter & 1) << k;
      most = std::max(most, rows);
    }
    return most;
  }

private:
  std::vector<uint16_t> words; ///< all ones where not known
  std::vector<uint8_t> isKnown;
};

} // namespace aac::check

#endif // AAC_LIB_STREAM_CHECKSTATE_H
