//===- Check.cpp - proves that a stream is safe to run ---------------------===//
//
// Every program of the stream, from the state in which it may begin: CheckProgram.h.
//
//===----------------------------------------------------------------------===//
#include "aac/Stream/Check.h"
#include "CheckProgram.h"

namespace aac {
namespace {

using namespace check;

void placeImages(const Stream &stream, const Machine &machine, State &state, Faults &faults) {
  for (size_t i = 0; i < stream.images.size(); ++i) {
    const Image &image = stream.images[i];
    auto fault = [&](const auto &...parts) {
      faults.add(absl::StrCat("image ", i),
                 absl::StrCat("image ", i, " at 0x", absl::Hex(image.address), ": ", parts...));
    };
    uint64_t end = image.address + image.bytes.size();
    const Tier *tier = machine.findTier(image.tier);
    if (!tier) {
      fault("tier is ", image.tier, ", which the machine does not have");
      continue;
    }
    if (!tier->persistent)
      fault("tier ", tier->name, " has no permanent content");
    if (image.address < tier->base || end > tier->base + tier->capacity)
      fault("its ", image.bytes.size(), " bytes are not all in tier ", tier->name);
    if (state.kept.firstIn(image.address, end) < end)
      fault("overlaps another image");
    state.kept.add(image.address, end);
    state.tiers.write(image.address, end, image.bytes.data(), static_cast<int>(i));
  }
}

} // namespace

absl::Status checkStream(const Stream &stream, const Machine &machine) {
  // Rules of the container first: indices, owners, widths.
  if (auto bytes = serialize(stream); !bytes.ok())
    return bytes.status();

  Faults faults;
  State start(machine);
  placeImages(stream, machine, start, faults);
  for (const Program &program : stream.programs) {
    if (program.role != ProgramRole::PowerOn)
      continue;
    ProgramChecker checker(stream, machine, program, program.owners, -1, start, faults);
    checker.run();
    checker.stored.addAllTo(start.kept);
  }

  size_t tasks = stream.tasks.size();
  for (size_t t = 0; t < tasks; ++t) {
    std::set<int32_t> switches; // -1: none is needed from power-on
    for (size_t from = 0; from <= tasks; ++from)
      if (int32_t program = stream.switchTo[from * tasks + t]; program >= 0 || from == tasks)
        switches.insert(program);
    for (int32_t program : switches) {
      State state = start;
      TaskSet self = TaskSet{1} << t;
      if (program >= 0)
        ProgramChecker(stream, machine, stream.programs[program], self, -1, state, faults).run();
      ProgramChecker(stream, machine, stream.programs[stream.tasks[t].runProgram], self,
                     static_cast<int>(t), state, faults)
          .run();
    }
  }
  return faults.status();
}

} // namespace aac
