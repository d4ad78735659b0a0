//===- OperandCache.h - operands decoded once -------------------*- C++ -*-===//
//
// Weights are loaded again and again: by every block of tokens and, of a layer that is
// shared, by every repetition. What was loaded from the same place, where nothing has been
// written since, is decoded once.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_LIB_SIM_OPERANDCACHE_H
#define AAC_LIB_SIM_OPERANDCACHE_H

#include "aac/Sim/Engine.h"
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <tuple>
#include <vector>

namespace aac::sim {

/// What an operand was loaded from: parameters, by address.
struct OperandSource {
  static constexpr uint64_t kDense = ~uint64_t{0};
  uint64_t data = 0;
  uint64_t mask = kDense; ///< of its mask words, kDense where they store every lane
  OperandRole role = OperandRole::A;
  int64_t rows = 0, columns = 0;

  friend bool operator<(const OperandSource &a, const OperandSource &b) {
    auto key = [](const OperandSource &s) {
      return std::make_tuple(s.data, s.mask, s.role, s.rows, s.columns);
    };
    return key(a) < key(b);
  }
};

/// A decoded operand and the rows of data that it takes.
struct DecodedOperand {
  std::shared_ptr<const Operand> operand;
  int64_t dataRows = 0;
};

class OperandCache {
public:
  /// What add() was given for `source`, if it is still there.
  const DecodedOperand *find(const OperandSource &source);
  void add(const OperandSource &source, const DecodedOperand &decoded);
  /// What lies in the tiers has changed.
  void clear();
  /// An operand to decode into: one that nobody holds any more where there is one.
  std::shared_ptr<Operand> spare();

private:
  struct Entry {
    OperandSource source;
    DecodedOperand decoded;
  };
  std::list<Entry> entries; ///< most recently used first
  std::map<OperandSource, std::list<Entry>::iterator> bySource;
  size_t size = 0; ///< bytes of all entries
  std::vector<std::shared_ptr<Operand>> spares;
};

} // namespace aac::sim

#endif // AAC_LIB_SIM_OPERANDCACHE_H
