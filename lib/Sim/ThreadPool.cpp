//===- ThreadPool.cpp - loops on several threads ---------------------------===//
#include "aac/Sim/ThreadPool.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace aac::sim {

struct ThreadPool::Impl {
  using Body = absl::FunctionRef<void(int64_t, int64_t)>;

  explicit Impl(int threads) {
    for (int i = 1; i < threads; ++i)
      workers.emplace_back([this] { work(); });
  }

  ~Impl() {
    {
      std::lock_guard<std::mutex> lock(mutex);
      stop = true;
      generation.fetch_add(1, std::memory_order_release);
    }
    wake.notify_all();
    for (std::thread &worker : workers)
      worker.join();
  }

  void run(int64_t count, Body loop) {
    {
      std::lock_guard<std::mutex> lock(mutex);
      body = &loop;
      end = count;
      // A few ranges a thread, so that one that comes late takes less.
      step = std::max<int64_t>(1, count / (4 * static_cast<int64_t>(workers.size() + 1)));
      next.store(0, std::memory_order_relaxed);
      open = true;
      generation.fetch_add(1, std::memory_order_release);
    }
    if (sleeping.load() > 0)
      wake.notify_all();
    take();
    // Everything has been taken: wait for those who are at it, not for those who never came.
    {
      std::lock_guard<std::mutex> lock(mutex);
      open = false;
    }
    while (active.load(std::memory_order_acquire) > 0)
      std::this_thread::yield();
  }

  /// Does ranges until none is left.
  void take() {
    for (;;) {
      int64_t first = next.fetch_add(step, std::memory_order_relaxed);
      if (first >= end)
        return;
      (*body)(first, std::min(end, first + step));
    }
  }

  void work() {
    uint64_t seen = 0;
    for (;;) {
      constexpr int kLooks = 200;
      for (int i = 0; i < kLooks && generation.load(std::memory_order_acquire) == seen; ++i)
        std::this_thread::yield();
      {
        std::unique_lock<std::mutex> lock(mutex);
        ++sleeping;
        wake.wait(lock, [&] { return generation.load(std::memory_order_relaxed) != seen; });
        --sleeping;
        seen = generation.load(std::memory_order_relaxed);
        if (stop)
          return;
        if (!open)
          continue;
        active.fetch_add(1, std::memory_order_relaxed);
      }
      take();
      active.fetch_sub(1, std::memory_order_release);
    }
  }

  std::vector<std::thread> workers;
  std::mutex mutex;
  std::condition_variable wake;
  std::atomic<uint64_t> generation{0}; ///< counts loops, and the end
  std::atomic<int> active{0};          ///< workers in take()
  std::atomic<int> sleeping{0};
  std::atomic<int64_t> next{0};
  // Under the mutex; the loop's own also to those in take().
  bool stop = false, open = false;
  int64_t end = 0, step = 1;
  Body *body = nullptr;
};

ThreadPool::ThreadPool(int threads)
    : impl(std::make_unique<Impl>(
          threads > 0 ? threads
                      : std::max(1, static_cast<int>(std::thread::hardware_concurrency())))) {}
ThreadPool::~ThreadPool() = default;

int ThreadPool::threads() const { return static_cast<int>(impl->workers.size()) + 1; }

void ThreadPool::run(int64_t count, absl::FunctionRef<void(int64_t, int64_t)> body) {
  if (impl->workers.empty() || count < 2)
    return count > 0 ? body(0, count) : void();
  impl->run(count, body);
}

} // namespace aac::sim
