//===- Magnitude.cpp - which weights are small enough to go ---------------===//
#include "aac/Transforms/Magnitude.h"

#include "aac/Numerics/Layout.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <tuple>

using namespace mlir;
using namespace aac;
using namespace aac::ir;

/// Magnitude as an integer that sorts alike; NaN sorts last.
static uint32_t magnitude(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits & 0x7fffffffu;
}

/// A float as an integer that sorts alike, never 0.
static uint32_t sortable(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return std::max(1u, (bits >> 31) ? ~bits : bits | 0x80000000u);
}

std::vector<uint32_t> aac::importanceOf(ArrayRef<float> values, ArrayRef<float> scores) {
  std::vector<uint32_t> keys(values.size());
  for (size_t i = 0; i < values.size(); ++i)
    keys[i] = scores.empty() || values[i] == 0 ? magnitude(values[i]) : sortable(scores[i]);
  return keys;
}

/// Calls `fn(first element, number of elements)` for each vector of rows of `columns`.
template <typename Fn> static void forEachVector(size_t elements, int64_t columns, Fn fn) {
  if (columns <= 0)
    return;
  for (size_t row = 0; row < elements; row += columns)
    for (int64_t c = 0; c < columns; c += kLanes)
      fn(row + c, static_cast<size_t>(std::min<int64_t>(kLanes, columns - c)));
}

static bool isNull(ArrayRef<float> vector) {
  return llvm::all_of(vector, [](float value) { return value == 0; });
}

std::vector<double> aac::importanceOfVectors(ArrayRef<float> values, ArrayRef<float> scores,
                                             int64_t columns) {
  std::vector<double> keys;
  keys.reserve(values.size() / kLanes);
  forEachVector(values.size(), columns, [&](size_t first, size_t count) {
    ArrayRef<float> vector = values.slice(first, count);
    double sum = 0;
    for (float value : scores.empty() ? vector : scores.slice(first, count))
      sum += scores.empty() ? static_cast<double>(value) * value : static_cast<double>(value);
    // What is null already goes first; NaN last.
    if (std::isnan(sum))
      sum = HUGE_VAL;
    keys.push_back(isNull(vector) ? -HUGE_VAL : sum);
  });
  return keys;
}

template <typename Key>
static std::vector<size_t> countSmallestOf(ArrayRef<std::vector<Key>> lists, size_t count) {
  std::vector<size_t> counts(lists.size(), 0);
  if (count == 0)
    return counts;
  std::vector<Key> all;
  for (const std::vector<Key> &list : lists)
    all.insert(all.end(), list.begin(), list.end());
  std::nth_element(all.begin(), all.begin() + (count - 1), all.end());
  Key threshold = all[count - 1];
  size_t taken = 0;
  for (auto [list, below] : llvm::zip_equal(lists, counts)) {
    below = llvm::count_if(list, [&](Key key) { return key < threshold; });
    taken += below;
  }
  for (auto [list, mine] : llvm::zip_equal(lists, counts)) {
    size_t ties = std::min<size_t>(llvm::count(list, threshold), count - taken);
    mine += ties;
    taken += ties;
  }
  return counts;
}

std::vector<size_t> aac::countSmallest(ArrayRef<std::vector<uint32_t>> lists, size_t count) {
  return countSmallestOf(lists, count);
}
std::vector<size_t> aac::countSmallest(ArrayRef<std::vector<double>> lists, size_t count) {
  return countSmallestOf(lists, count);
}

/// Calls `fn(i)` for the `count` smallest keys, ties by position.
template <typename Key, typename Fn>
static void forEachSmallest(ArrayRef<Key> keys, size_t count, Fn fn) {
  if (count == 0)
    return;
  std::vector<Key> sorted(keys.begin(), keys.end());
  std::nth_element(sorted.begin(), sorted.begin() + (count - 1), sorted.end());
  Key threshold = sorted[count - 1];
  size_t ties = count - std::count_if(sorted.begin(), sorted.begin() + count,
                                      [&](Key key) { return key < threshold; });
  for (size_t i = 0; i < keys.size(); ++i) {
    if (keys[i] > threshold || (keys[i] == threshold && ties == 0))
      continue;
    ties -= keys[i] == threshold;
    fn(i);
  }
}

/// Sets `value` to zero; 1 if it was not.
static int64_t clear(float &value) {
  bool changed = value != 0;
  value = 0;
  return changed;
}

int64_t aac::zeroSmallest(MutableArrayRef<float> values, ArrayRef<uint32_t> keys, size_t count) {
  int64_t zeroed = 0;
  forEachSmallest(keys, count, [&](size_t i) { zeroed += clear(values[i]); });
  return zeroed;
}

int64_t aac::zeroSmallestVectors(MutableArrayRef<float> values, ArrayRef<double> keys,
                                 int64_t columns, size_t count) {
  int64_t zeroed = 0;
  std::vector<bool> goes(keys.size(), false);
  forEachSmallest(keys, count, [&](size_t i) { goes[i] = true; });
  size_t index = 0;
  forEachVector(values.size(), columns, [&](size_t first, size_t size) {
    if (goes[index++])
      for (float &value : values.slice(first, size))
        zeroed += clear(value);
  });
  return zeroed;
}

int64_t aac::zeroAllButNofM(MutableArrayRef<float> values, ArrayRef<uint32_t> keys, int64_t columns,
                            int n, int m) {
  int64_t zeroed = 0;
  std::vector<size_t> order;
  for (size_t row = 0; row < values.size(); row += columns)
    for (int64_t c = 0; c < columns; c += m) {
      order.resize(std::min<int64_t>(m, columns - c));
      std::iota(order.begin(), order.end(), row + c);
      llvm::sort(order,
                 [&](size_t a, size_t b) { return std::tie(keys[a], a) < std::tie(keys[b], b); });
      for (size_t i = 0; i + n < order.size(); ++i)
        zeroed += clear(values[order[i]]);
    }
  return zeroed;
}

int64_t aac::pruneByMagnitude(MutableArrayRef<float> values, double fraction) {
  auto count = static_cast<size_t>(std::floor(fraction * static_cast<double>(values.size())));
  return count == 0 ? 0 : zeroSmallest(values, importanceOf(values, {}), count);
}

VectorCount aac::countNullVectors(ArrayRef<float> values, int64_t columns) {
  VectorCount count;
  forEachVector(values.size(), columns, [&](size_t first, size_t size) {
    ++count.all;
    count.null += isNull(values.slice(first, size));
  });
  return count;
}

//===----------------------------------------------------------------------===//
// Options
//===----------------------------------------------------------------------===//

/// The amount of one rule: a fraction, vector:fraction or n:m.
static bool parseAmount(StringRef text, SparsityRule &rule) {
  text = text.trim();
  if (text.consume_front("vector:"))
    rule.shape = SparsityRule::Shape::Vectors;
  auto [first, second] = text.split(':');
  if (rule.shape == SparsityRule::Shape::Elements && text.contains(':')) {
    rule.shape = SparsityRule::Shape::NofM;
    if (first.getAsInteger(10, rule.n) || second.getAsInteger(10, rule.m) || rule.n < 0 ||
        rule.m < 1 || rule.n > rule.m)
      return false;
    rule.fraction = 1 - static_cast<double>(rule.n) / rule.m;
    return true;
  }
  return !text.getAsDouble(rule.fraction) && rule.fraction >= 0 && rule.fraction <= 1;
}

FailureOr<std::vector<SparsityRule>> aac::parseSparsity(StringRef text, std::string &error) {
  std::vector<SparsityRule> rules;
  SmallVector<StringRef> parts;
  text.split(parts, ',', -1, /*KeepEmpty=*/false);
  for (StringRef part : parts) {
    auto [name, amount] = part.split(':');
    name = name.trim();
    SparsityRule rule;
    if (!parseAmount(amount, rule)) {
      error = ("sparsity '" + part +
               "' must be group:fraction with a fraction from 0 to 1, group:vector:fraction, or "
               "group:N:M to leave N of each M")
                  .str();
      return failure();
    }
    if (name == "all") {
      for (unsigned role = 0; role <= getMaxEnumValForRole(); ++role)
        rule.roles.push_back(static_cast<Role>(role));
    } else if (name == "encoder") {
      rule.roles = {Role::Attention, Role::Ffn};
    } else if (std::optional<Role> role = symbolizeRole(name)) {
      rule.roles = {*role};
    } else {
      error = ("there is no parameter group '" + name +
               "'; groups are embedding, attention, ffn, encoder, adapter, layer_norm, pooler, "
               "classifier, other, all")
                  .str();
      return failure();
    }
    rules.push_back(std::move(rule));
  }
  return rules;
}

FailureOr<PruneMethod> aac::parsePruneMethod(StringRef text, std::string &error) {
  PruneMethod method;
  SmallVector<StringRef> parts;
  text.split(parts, ',', -1, /*KeepEmpty=*/false);
  for (StringRef part : parts) {
    auto [name, file] = part.trim().split('=');
    bool takesFile = name == "masks" || name == "scores";
    if ((name != "global" && !takesFile) || takesFile == file.empty()) {
      error = ("pruning method '" + part + "' is none of global, masks=FILE.npz, scores=FILE.npz")
                  .str();
      return failure();
    }
    if (!takesFile)
      method.global = true;
    else
      (name == "masks" ? method.masks : method.scores) = file.str();
  }
  return method;
}
