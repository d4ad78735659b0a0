//===- Stream.cpp - a stream to a file's bytes and back --------------------===//
//
// Sections in order: machine; tasks; images; programs; symbols, one section for each
// set of owners, lower sets first; locations likewise. Nothing in a file is left to
// choice, and deserialize accepts no other order: bytes and streams are one to one, but for
// images in coded form (Codec.h), which are checked by decoding alone.
//
//===----------------------------------------------------------------------===//
#include "Container.h"

#include "aac/Numerics/Layout.h"
#include "aac/Stream/Codec.h"
#include "aac/Stream/stream.pb.h"
#include "absl/strings/str_cat.h"

#include <algorithm>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <map>
#include <set>

namespace aac {
namespace {

using container::error;
using container::Section;
using container::SectionKind;

constexpr size_t kMaxTasks = 64;
constexpr size_t kMaxRank = 32;
constexpr uint64_t kAddressSpace = uint64_t{1} << 32;

TaskSet allTasks(size_t tasks) { return tasks >= 64 ? ~TaskSet{0} : (TaskSet{1} << tasks) - 1; }

//===----------------------------------------------------------------------===//
// Rules of the format
//===----------------------------------------------------------------------===//

absl::Status checkOwners(absl::string_view what, TaskSet owners, size_t tasks) {
  if (owners == 0)
    return error(what, ": no task owns it");
  if (owners & ~allTasks(tasks))
    return error(what, ": owners are 0x", absl::Hex(owners), ", but there are only ", tasks,
                 " tasks");
  return absl::OkStatus();
}

absl::Status checkTensors(absl::string_view task, absl::string_view kind,
                          const std::vector<TensorSpec> &tensors) {
  for (const TensorSpec &tensor : tensors) {
    if (tensor.type > ElementType::Bool)
      return error("task ", task, ": ", kind, " ", tensor.name, ": element type is ",
                   static_cast<int>(tensor.type), ", which is not defined");
    if (tensor.shape.size() > kMaxRank)
      return error("task ", task, ": ", kind, " ", tensor.name, ": rank is ", tensor.shape.size(),
                   ", the highest is ", kMaxRank);
    for (int64_t size : tensor.shape)
      if (size < 0)
        return error("task ", task, ": ", kind, " ", tensor.name, ": a dimension is ", size,
                     ", below 0");
  }
  return absl::OkStatus();
}

absl::Status checkTasks(const Stream &stream) {
  size_t tasks = stream.tasks.size();
  if (tasks == 0 || tasks > kMaxTasks)
    return error("a stream has 1 to ", kMaxTasks, " tasks, got ", tasks);
  std::set<absl::string_view> names;
  for (size_t t = 0; t < tasks; ++t) {
    const Task &task = stream.tasks[t];
    if (task.name.empty())
      return error("task ", t, ": name is empty");
    if (!names.insert(task.name).second)
      return error("task ", t, ": name ", task.name, " is taken by another task");
    if (task.runProgram < 0 || static_cast<size_t>(task.runProgram) >= stream.programs.size())
      return error("task ", task.name, ": run program is ", task.runProgram, ", there are ",
                   stream.programs.size(), " programs");
    const Program &run = stream.programs[task.runProgram];
    if (run.role != ProgramRole::Run)
      return error("task ", task.name, ": run program ", run.name, " has another role");
    if (!(run.owners >> t & 1))
      return error("task ", task.name, ": run program ", run.name, " is not owned by the task");
    for (auto status : {checkTensors(task.name, "input", task.inputs),
                        checkTensors(task.name, "output", task.outputs)})
      if (!status.ok())
        return status;
  }
  return absl::OkStatus();
}

absl::Status checkValue(const Program &program, size_t index) {
  const StoredValue &value = program.values[index];
  auto fault = [&](auto... parts) {
    return error("program ", program.name, ": value ", index, ": ", parts...);
  };
  if (value.after >= program.code.size())
    return fault("after is ", value.after, ", there are ", program.code.size(), " instructions");
  if (index > 0 && value.after <= program.values[index - 1].after)
    return fault("after is ", value.after, ", not more than that of the one before");
  constexpr int64_t most = 1 << 20;
  if (value.tokens < 1 || value.tokens > most || value.features < 1 || value.features > most)
    return fault("has ", value.tokens, " tokens of ", value.features, " features");
  if (value.group < 0 || (value.group > 0 && value.features % value.group != 0))
    return fault("group is ", value.group, " with ", value.features, " features");
  if (value.address >= kAddressSpace || value.bytes() > kAddressSpace - value.address)
    return fault("address is ", value.address, ", past the 32-bit address space");
  if (value.bias < 0 || value.bias > 7 || value.scale < -100 || value.scale > 100)
    return fault("bias ", value.bias, " or scale ", value.scale, " is out of range");
  return absl::OkStatus();
}

absl::Status checkPrograms(const Stream &stream) {
  std::set<absl::string_view> names;
  for (const Program &program : stream.programs) {
    if (program.name.empty() || !names.insert(program.name).second)
      return error("program ", program.name, ": name is empty or taken by another program");
    if (program.role > ProgramRole::Run)
      return error("program ", program.name, ": role is ", static_cast<int>(program.role),
                   ", which is not defined");
    if (auto status = checkOwners("program " + program.name, program.owners, stream.tasks.size());
        !status.ok())
      return status;
    if (!program.location.empty() && program.location.size() != program.code.size())
      return error("program ", program.name, ": ", program.location.size(), " locations for ",
                   program.code.size(), " instructions");
    for (int32_t location : program.location)
      if (location < -1 || location >= static_cast<int64_t>(stream.locations.size()))
        return error("program ", program.name, ": location is ", location, ", there are ",
                     stream.locations.size());
    for (size_t i = 0; i < program.values.size(); ++i)
      if (auto status = checkValue(program, i); !status.ok())
        return status;
  }
  return absl::OkStatus();
}

absl::Status checkSwitches(const Stream &stream) {
  size_t tasks = stream.tasks.size();
  if (stream.switchTo.size() != (tasks + 1) * tasks)
    return error("switch table has ", stream.switchTo.size(), " entries, ", tasks, " tasks need ",
                 (tasks + 1) * tasks);
  for (size_t i = 0; i < stream.switchTo.size(); ++i) {
    size_t from = i / tasks, to = i % tasks;
    int32_t index = stream.switchTo[i];
    std::string what =
        absl::StrCat("switch from ", from == tasks ? "none" : stream.tasks[from].name, " to ",
                     stream.tasks[to].name);
    if (index == -1)
      continue;
    if (from == to)
      return error(what, ": program is ", index, ", a task needs no switch to itself");
    if (index < 0 || static_cast<size_t>(index) >= stream.programs.size())
      return error(what, ": program is ", index, ", there are ", stream.programs.size());
    const Program &program = stream.programs[index];
    if (program.role != ProgramRole::Switch)
      return error(what, ": program ", program.name, " has another role");
    if (!(program.owners >> to & 1))
      return error(what, ": program ", program.name, " is not owned by ", stream.tasks[to].name);
  }
  return absl::OkStatus();
}

absl::Status checkRules(const Stream &stream) {
  if (stream.machineName.empty())
    return error("machine: name is empty");
  for (auto check : {checkTasks, checkPrograms, checkSwitches})
    if (auto status = check(stream); !status.ok())
      return status;
  for (size_t i = 0; i < stream.images.size(); ++i) {
    const Image &image = stream.images[i];
    std::string what = absl::StrCat("image ", i);
    if (image.tier.empty() || image.bytes.empty())
      return error(what, ": tier or content is empty");
    if (image.address >= kAddressSpace || image.bytes.size() > kAddressSpace - image.address)
      return error(what, ": address is ", image.address, " and length ", image.bytes.size(),
                   ", past the 32-bit address space");
    if (auto status = checkOwners(what, image.owners, stream.tasks.size()); !status.ok())
      return status;
  }
  for (const Symbol &symbol : stream.symbols) {
    if (symbol.name.empty())
      return error("symbol: name is empty");
    if (auto status = checkOwners("symbol " + symbol.name, symbol.owners, stream.tasks.size());
        !status.ok())
      return status;
  }
  return absl::OkStatus();
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

std::string bytesOf(const google::protobuf::MessageLite &message) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  message.SerializeToCodedStream(&coded);
  coded.Trim();
  return bytes;
}

void writeTensors(const std::vector<TensorSpec> &tensors,
                  google::protobuf::RepeatedPtrField<proto::StreamTensor> *out) {
  for (const TensorSpec &tensor : tensors) {
    proto::StreamTensor *entry = out->Add();
    entry->set_name(tensor.name);
    entry->set_type(static_cast<uint32_t>(tensor.type));
    for (int64_t size : tensor.shape)
      entry->add_shape(size);
  }
}

std::string taskMetadata(const Stream &stream, size_t t) {
  const Task &task = stream.tasks[t];
  proto::StreamTask message;
  message.set_name(task.name);
  writeTensors(task.inputs, message.mutable_inputs());
  writeTensors(task.outputs, message.mutable_outputs());
  message.set_run_program(static_cast<uint32_t>(task.runProgram));
  for (size_t from = 0; from <= stream.tasks.size(); ++from)
    message.add_switch_from(stream.switchTo[from * stream.tasks.size() + t]);
  return bytesOf(message);
}

std::string programMetadata(const Program &program) {
  proto::StreamProgram message;
  message.set_name(program.name);
  message.set_role(static_cast<uint32_t>(program.role));
  bool located = std::any_of(program.location.begin(), program.location.end(),
                             [](int32_t location) { return location >= 0; });
  int32_t previous = -1;
  if (located)
    for (int32_t location : program.location) {
      message.add_location_delta(location - previous);
      previous = location;
    }
  for (const StoredValue &value : program.values) {
    proto::StreamValue *entry = message.add_values();
    entry->set_after(value.after);
    entry->set_which(value.which);
    entry->set_address(value.address);
    entry->set_tokens(value.tokens);
    entry->set_features(value.features);
    entry->set_group(value.group);
    entry->set_transposed(value.transposed);
    entry->set_bias(value.bias);
    entry->set_scale(value.scale);
  }
  return bytesOf(message);
}

/// The tasks that need each location: those whose programs name it. A location that
/// no program names belongs to all.
std::vector<TaskSet> locationOwners(const Stream &stream) {
  std::vector<TaskSet> owners(stream.locations.size());
  for (const Program &program : stream.programs)
    for (int32_t location : program.location)
      if (location >= 0)
        owners[location] |= program.owners;
  for (TaskSet &set : owners)
    if (set == 0)
      set = allTasks(stream.tasks.size());
  return owners;
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

template <typename Message>
absl::Status readMessage(const std::string &what, absl::string_view bytes, Message &message) {
  if (bytes.size() > INT32_MAX ||
      !message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return error(what, ": metadata is not a ", Message::descriptor()->name(), " message");
  return absl::OkStatus();
}

std::vector<TensorSpec>
readTensors(const google::protobuf::RepeatedPtrField<proto::StreamTensor> &in) {
  std::vector<TensorSpec> tensors;
  for (const proto::StreamTensor &entry : in)
    tensors.push_back({entry.name(),
                       static_cast<ElementType>(std::min(entry.type(), 255u)),
                       {entry.shape().begin(), entry.shape().end()}});
  return tensors;
}

/// Reads section after section into a stream.
class Reader {
public:
  absl::Status read(const std::string &what, const Section &section) {
    switch (section.kind) {
    case SectionKind::Machine:
      return readMachine(what, section);
    case SectionKind::Task:
      return readTask(what, section);
    case SectionKind::Image:
      return readImage(what, section);
    case SectionKind::Program:
      return readProgram(what, section);
    case SectionKind::Symbols:
      return readSymbols(what, section);
    case SectionKind::Locations:
      break;
    }
    return readLocations(what, section);
  }

  absl::StatusOr<Stream> finish() {
    size_t tasks = stream.tasks.size();
    stream.switchTo.assign((tasks + 1) * tasks, -1);
    for (size_t to = 0; to < tasks; ++to) {
      if (switchFrom[to].size() != tasks + 1)
        return error("task ", stream.tasks[to].name, ": switch_from has ", switchFrom[to].size(),
                     " entries, ", tasks, " tasks need ", tasks + 1);
      for (size_t from = 0; from <= tasks; ++from)
        stream.switchTo[from * tasks + to] = switchFrom[to][from];
    }
    for (auto &[index, symbol] : symbols) {
      if (index != stream.symbols.size())
        return error("symbols: number ", stream.symbols.size(), " is missing");
      stream.symbols.push_back(std::move(symbol));
    }
    for (auto &[index, location] : locations) {
      if (index != stream.locations.size())
        return error("locations: number ", stream.locations.size(), " is missing");
      stream.locations.push_back(std::move(location));
    }
    return std::move(stream);
  }

private:
  absl::Status readMachine(const std::string &what, const Section &section) {
    proto::StreamMachine message;
    if (auto status = readMessage(what, section.metadata, message); !status.ok())
      return status;
    stream.machineName = message.name();
    stream.machine = message.text();
    return absl::OkStatus();
  }

  absl::Status readTask(const std::string &what, const Section &section) {
    proto::StreamTask message;
    if (auto status = readMessage(what, section.metadata, message); !status.ok())
      return status;
    if (message.run_program() > INT32_MAX)
      return error(what, ": run_program is ", message.run_program());
    stream.tasks.push_back({message.name(), readTensors(message.inputs()),
                            readTensors(message.outputs()),
                            static_cast<int32_t>(message.run_program())});
    switchFrom.emplace_back(message.switch_from().begin(), message.switch_from().end());
    return absl::OkStatus();
  }

  absl::Status readImage(const std::string &what, const Section &section) {
    proto::StreamImage message;
    if (auto status = readMessage(what, section.metadata, message); !status.ok())
      return status;
    Image image{message.tier(), message.address(), section.owners, {}, message.has_coded_bytes()};
    if (image.coded) {
      auto bytes = decodeEntropy(section.bytes, message.coded_bytes());
      if (!bytes.ok())
        return error(what, ": image at ", image.address, " of ", image.tier, ": ",
                     bytes.status().message());
      image.bytes = *std::move(bytes);
    } else {
      image.bytes.assign(section.bytes.begin(), section.bytes.end());
    }
    stream.images.push_back(std::move(image));
    return absl::OkStatus();
  }

  absl::Status readProgram(const std::string &what, const Section &section) {
    proto::StreamProgram message;
    if (auto status = readMessage(what, section.metadata, message); !status.ok())
      return status;
    Program program;
    program.name = message.name();
    program.role = static_cast<ProgramRole>(std::min(message.role(), 255u));
    program.owners = section.owners;
    auto code = isa::decodeProgram(absl::MakeConstSpan(
        reinterpret_cast<const uint8_t *>(section.bytes.data()), section.bytes.size()));
    if (!code.ok())
      return error(what, ": code of program ", program.name, ": ", code.status().message());
    program.code = *std::move(code);
    int64_t location = -1;
    for (int32_t delta : message.location_delta()) {
      location += delta;
      if (location < -1 || location > INT32_MAX)
        return error(what, ": location_delta leads to location ", location);
      program.location.push_back(static_cast<int32_t>(location));
    }
    for (const proto::StreamValue &entry : message.values())
      program.values.push_back({entry.after(), entry.which(), entry.address(), entry.tokens(),
                                entry.features(), entry.group(), entry.transposed(), entry.bias(),
                                entry.scale()});
    stream.programs.push_back(std::move(program));
    return absl::OkStatus();
  }

  absl::Status readSymbols(const std::string &what, const Section &section) {
    proto::StreamSymbols message;
    if (auto status = readMessage(what, section.metadata, message); !status.ok())
      return status;
    for (const proto::StreamSymbol &entry : message.symbols()) {
      Symbol symbol{entry.name(),         entry.role(),
                    entry.placement(),    section.owners,
                    entry.tier(),         entry.address(),
                    entry.stored_bytes(), {entry.shape().begin(), entry.shape().end()},
                    entry.format(),       entry.hash()};
      if (!symbols.emplace(entry.index(), std::move(symbol)).second)
        return error(what, ": symbol number ", entry.index(), " is there twice");
    }
    return absl::OkStatus();
  }

  absl::Status readLocations(const std::string &what, const Section &section) {
    proto::StreamLocations message;
    if (auto status = readMessage(what, section.metadata, message); !status.ok())
      return status;
    for (const proto::StreamLocation &entry : message.locations())
      if (!locations.emplace(entry.index(), Location{entry.node(), entry.op(), entry.layer()})
               .second)
        return error(what, ": location number ", entry.index(), " is there twice");
    return absl::OkStatus();
  }

  Stream stream;
  std::vector<std::vector<int32_t>> switchFrom; // of each task
  std::map<uint32_t, Symbol> symbols;
  std::map<uint32_t, Location> locations;
};

} // namespace

int64_t StoredValue::rows() const {
  int64_t padded = group ? features / group * roundUp(group, kLanes) : roundUp(features, kLanes);
  return transposed ? padded : roundUp(tokens, kLanes);
}

int64_t StoredValue::columns() const {
  int64_t padded = group ? features / group * roundUp(group, kLanes) : roundUp(features, kLanes);
  return transposed ? roundUp(tokens, kLanes) : padded;
}

absl::StatusOr<std::string> serialize(const Stream &stream) {
  if (auto status = checkRules(stream); !status.ok())
    return status;
  TaskSet all = allTasks(stream.tasks.size());
  container::Writer writer;

  proto::StreamMachine machine;
  machine.set_name(stream.machineName);
  machine.set_text(stream.machine);
  writer.add(SectionKind::Machine, all, bytesOf(machine));

  for (size_t t = 0; t < stream.tasks.size(); ++t)
    writer.add(SectionKind::Task, TaskSet{1} << t, taskMetadata(stream, t));

  for (const Image &image : stream.images) {
    proto::StreamImage message;
    message.set_tier(image.tier);
    message.set_address(image.address);
    if (image.coded) {
      message.set_coded_bytes(image.bytes.size());
      writer.add(SectionKind::Image, image.owners, bytesOf(message), encodeEntropy(image.bytes));
      continue;
    }
    writer.add(SectionKind::Image, image.owners, bytesOf(message),
               {reinterpret_cast<const char *>(image.bytes.data()), image.bytes.size()});
  }

  for (const Program &program : stream.programs) {
    auto code = isa::encodeProgram(program.code);
    if (!code.ok())
      return error("program ", program.name, ": ", code.status().message());
    writer.add(SectionKind::Program, program.owners, programMetadata(program),
               {reinterpret_cast<const char *>(code->data()), code->size()});
  }

  std::map<TaskSet, proto::StreamSymbols> symbols;
  for (size_t i = 0; i < stream.symbols.size(); ++i) {
    const Symbol &symbol = stream.symbols[i];
    proto::StreamSymbol *entry = symbols[symbol.owners].add_symbols();
    entry->set_index(static_cast<uint32_t>(i));
    entry->set_name(symbol.name);
    entry->set_role(symbol.role);
    entry->set_placement(symbol.placement);
    entry->set_tier(symbol.tier);
    entry->set_address(symbol.address);
    entry->set_stored_bytes(symbol.storedBytes);
    for (int64_t size : symbol.shape)
      entry->add_shape(size);
    entry->set_format(symbol.format);
    entry->set_hash(symbol.hash);
  }
  for (const auto &[owners, message] : symbols)
    writer.add(SectionKind::Symbols, owners, bytesOf(message));

  std::vector<TaskSet> owners = locationOwners(stream);
  std::map<TaskSet, proto::StreamLocations> locations;
  for (size_t i = 0; i < stream.locations.size(); ++i) {
    proto::StreamLocation *entry = locations[owners[i]].add_locations();
    entry->set_index(static_cast<uint32_t>(i));
    entry->set_node(stream.locations[i].node);
    entry->set_op(stream.locations[i].op);
    entry->set_layer(stream.locations[i].layer);
  }
  for (const auto &[owner, message] : locations)
    writer.add(SectionKind::Locations, owner, bytesOf(message));
  return writer.finish();
}

absl::StatusOr<Stream> deserialize(absl::string_view bytes) {
  auto sections = container::readSections(bytes);
  if (!sections.ok())
    return sections.status();
  Reader reader;
  for (size_t i = 0; i < sections->size(); ++i) {
    const Section &section = (*sections)[i];
    std::string what = absl::StrCat("section ", i, " (", container::kindName(section.kind), ")");
    if (auto status = reader.read(what, section); !status.ok())
      return status;
  }
  auto stream = reader.finish();
  if (!stream.ok())
    return stream.status();
  auto again = serialize(*stream); // checks the rules too
  if (!again.ok())
    return again.status();
  if (*again != bytes)
    return error("stream is not in canonical form: order of sections, owners of tasks or "
                 "metadata differ from what this version writes; write it with aac or aac-sim as");
  return stream;
}

absl::StatusOr<StreamSize> sizeByOwner(absl::string_view bytes) {
  auto sections = container::readSections(bytes);
  if (!sections.ok())
    return sections.status();
  size_t tasks = 0;
  for (const Section &section : *sections)
    tasks += section.kind == SectionKind::Task;
  if (tasks == 0 || tasks > kMaxTasks)
    return error("a stream has 1 to ", kMaxTasks, " tasks, got ", tasks);

  StreamSize size;
  size.task.assign(tasks, 0);
  size.shared = container::kHeaderBytes;
  for (size_t i = 0; i < sections->size(); ++i) {
    const Section &section = (*sections)[i];
    std::string what = absl::StrCat("section ", i, " (", container::kindName(section.kind), ")");
    if (auto status = checkOwners(what, section.owners, tasks); !status.ok())
      return status;
    if (section.owners == allTasks(tasks)) {
      size.shared += section.sizeInFile;
    } else if ((section.owners & (section.owners - 1)) != 0) {
      size.subset += section.sizeInFile;
    } else {
      for (size_t t = 0; t < tasks; ++t)
        if (section.owners >> t & 1)
          size.task[t] += section.sizeInFile;
    }
  }
  return size;
}

} // namespace aac
