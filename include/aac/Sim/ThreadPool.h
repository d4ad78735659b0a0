//===- ThreadPool.h - loops on several threads ------------------*- C++ -*-===//
//
// For many short loops in a row: idle threads look for work a few microseconds before
// they sleep. A loop's pieces are independent, so the result does not depend on who does
// which.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_SIM_THREADPOOL_H
#define AAC_SIM_THREADPOOL_H

#include "absl/functional/function_ref.h"
#include <cstdint>
#include <memory>

namespace aac::sim {

class ThreadPool {
public:
  /// `threads` in all, the caller's included; 0: one for each processor.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  int threads() const;
  /// Calls body(first, last) for ranges that together are [0, count), on several threads
  /// at a time; returns when all are done. Not from within a body.
  void run(int64_t count, absl::FunctionRef<void(int64_t, int64_t)> body);

private:
  struct Impl;
  std::unique_ptr<Impl> impl;
};

} // namespace aac::sim

#endif // AAC_SIM_THREADPOOL_H
