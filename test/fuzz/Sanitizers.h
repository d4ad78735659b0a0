//===- Sanitizers.h - options of the sanitizers in fuzz targets -*- C++ -*-===//
#ifndef AAC_TEST_FUZZ_SANITIZERS_H
#define AAC_TEST_FUZZ_SANITIZERS_H

/// Debian's LLVM is not instrumented: it takes memory from arenas that our instrumented code,
/// inlined from its headers, has marked as unused. Memory that cannot be had is null. Short
/// allocation stacks, no filling and no stacks on the heap make a run a third faster; a finding is
/// reproduced with ASAN_OPTIONS=malloc_context_size=30. Not inline, which would be weak as the
/// sanitizer's own is: one file of a program includes this.
extern "C" const char *__asan_default_options() {
  return "allow_user_poisoning=0:allocator_may_return_null=1:detect_leaks=0:"
         "malloc_context_size=4:max_malloc_fill_size=0:detect_stack_use_after_return=0";
}

#endif // AAC_TEST_FUZZ_SANITIZERS_H
