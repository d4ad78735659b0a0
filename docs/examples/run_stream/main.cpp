// run_stream suite.aacs input.npz output.npz: one inference of the stream's first task.
#include <aac/Sim/Simulator.h>
#include <aac/Support/File.h>
#include <iostream>

int main(int argc, char **argv) try {
  if (argc != 4)
    throw std::runtime_error("usage: run_stream STREAM INPUT OUTPUT");
  aac::Stream stream = aac::deserialize(aac::readFile(argv[1]).value()).value();
  aac::Machine machine = aac::Machine::parse(stream.machine, argv[1]).value();
  aac::sim::Simulator simulator = aac::sim::Simulator::create(stream, machine).value();
  for (const absl::Status &status : {simulator.runPowerOn(), simulator.switchTo(0)})
    if (!status.ok())
      throw absl::BadStatusOrAccess(status);
  auto outputs = simulator.run(0, aac::readNpz(argv[2]).value()).value();
  return aac::writeNpz(argv[3], outputs).ok() ? 0 : 1;
} catch (const std::exception &error) {
  std::cerr << "run_stream: " << error.what() << "\n";
  return 1;
}
