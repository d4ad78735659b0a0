//===- OperandCache.cpp - operands decoded once ----------------------------===//
#include "OperandCache.h"

#include <algorithm>

namespace aac::sim {
namespace {

/// More than the decoded weights of an ALBERT-large layer with its adapters.
constexpr size_t kMostBytes = size_t{96} << 20;
constexpr size_t kMostSpares = 16;

size_t bytesOf(const Operand &operand) {
  return operand.significands.size() * sizeof(int16_t) +
         operand.sumSquares.size() * sizeof(int64_t);
}

} // namespace

const DecodedOperand *OperandCache::find(const OperandSource &source) {
  auto found = bySource.find(source);
  if (found == bySource.end())
    return nullptr;
  entries.splice(entries.begin(), entries, found->second);
  return &found->second->decoded;
}

void OperandCache::add(const OperandSource &source, const DecodedOperand &decoded) {
  entries.push_front({source, decoded});
  bySource[source] = entries.begin();
  size += bytesOf(*decoded.operand);
  while (size > kMostBytes && entries.size() > 1) {
    size -= bytesOf(*entries.back().decoded.operand);
    bySource.erase(entries.back().source);
    entries.pop_back();
  }
}

void OperandCache::clear() {
  entries.clear();
  bySource.clear();
  size = 0;
}

std::shared_ptr<Operand> OperandCache::spare() {
  auto free = std::find_if(spares.begin(), spares.end(), [](const std::shared_ptr<Operand> &each) {
    return each.use_count() == 1;
  });
  if (free != spares.end())
    return *free;
  auto made = std::make_shared<Operand>();
  if (spares.size() < kMostSpares)
    spares.push_back(made);
  return made;
}

} // namespace aac::sim
