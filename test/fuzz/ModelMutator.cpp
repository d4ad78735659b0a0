//===- ModelMutator.cpp - mutations of a parsed ONNX model ----------------===//
//
// Random bytes hardly ever parse; these mutations keep a model a model: fields of any
// message by reflection, names taken from the names that are there, new nodes of every
// known operator, parts of another model, functions (FunctionMutator.cpp). One in sixteen mutations
// is of raw bytes.
//
//===----------------------------------------------------------------------===//
#include "FunctionMutator.h"

#include "lib/Import/ONNX/OpTable.h"

#include AAC_ONNX_PB_H

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/message.h>
#include <iostream>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <vector>

extern "C" size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t maxSize);

namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

/// The installed onnx-ml.proto gives classes without reflection: the same message, dynamic.
Message *makeDynamicModel(google::protobuf::Arena &arena) {
  using namespace google::protobuf;
  static DescriptorPool pool;
  static DynamicMessageFactory factory;
  static const Descriptor *const descriptor = [] {
    std::ifstream file(AAC_ONNX_DESCRIPTORS, std::ios::binary);
    FileDescriptorSet files;
    const FileDescriptor *built = files.ParseFromIstream(&file) && files.file_size() == 1
                                      ? pool.BuildFile(files.file(0))
                                      : nullptr;
    const Descriptor *found =
        built ? pool.FindMessageTypeByName(built->package() + ".ModelProto") : nullptr;
    if (!found) {
      std::cerr << "no ModelProto in " << AAC_ONNX_DESCRIPTORS << "\n";
      std::exit(1);
    }
    return found;
  }();
  return factory.GetPrototype(descriptor)->New(&arena);
}

class Mutator {
public:
  Mutator(::onnx::ModelProto &model, unsigned seed) : model(model), random(seed) {}

  void run() {
    for (unsigned i = 0, n = below(3); i < n; ++i) {
      if (below(2))
        insertNode();
      else
        changeNode();
    }
    if (below(4) == 0)
      aac::fuzz::mutateFunctions(model, random);
    if (below(3) == 0)
      return;
    google::protobuf::Arena arena;
    Message *dynamic = makeDynamicModel(arena);
    if (!dynamic->ParseFromString(model.SerializeAsString()))
      return;
    for (unsigned i = 0, n = 1 + below(3); i < n; ++i) {
      places.clear(); // messages may be gone
      strings.clear();
      collect(*dynamic, 0);
      if (!places.empty())
        changeField(places[below(places.size())]);
    }
    model.ParsePartialFromString(dynamic->SerializePartialAsString());
  }

  /// Takes nodes, initialisers and outputs of `other`.
  void splice(const ::onnx::ModelProto &other) {
    auto &graph = *model.mutable_graph();
    for (const auto &tensor : other.graph().initializer())
      if (below(2))
        *graph.add_initializer() = tensor;
    for (const auto &node : other.graph().node())
      if (below(2))
        *graph.add_node() = node;
    for (const auto &input : other.graph().input())
      if (below(2))
        *graph.add_input() = input;
    if (other.graph().output_size() > 0)
      *graph.add_output() = other.graph().output(below(other.graph().output_size()));
    for (const auto &function : other.functions())
      if (model.functions_size() < 20 && !hasFunction(function) && below(4))
        *model.add_functions() = function;
    if (below(2))
      aac::fuzz::callFunction(model, random);
    insertNode();
  }

private:
  struct Place {
    Message *message;
    const FieldDescriptor *field;
  };

  unsigned below(size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random); }

  /// Every field of every message below `message`, set or not, and the strings there are.
  void collect(Message &message, int depth) {
    const Reflection *reflection = message.GetReflection();
    const auto *descriptor = message.GetDescriptor();
    for (int i = 0; i < descriptor->field_count() && places.size() < 20000; ++i) {
      const FieldDescriptor *field = descriptor->field(i);
      bool repeated = field->is_repeated();
      int size =
          repeated ? reflection->FieldSize(message, field) : reflection->HasField(message, field);
      // Unset fields are many: fewer of them.
      if (size > 0 || below(8) == 0)
        places.push_back({&message, field});
      for (int at = 0; at < std::min(size, 64); ++at) {
        if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && depth < 12)
          collect(*(repeated ? reflection->MutableRepeatedMessage(&message, field, at)
                             : reflection->MutableMessage(&message, field)),
                  depth + 1);
        else if (field->type() == FieldDescriptor::TYPE_STRING)
          strings.push_back(repeated ? reflection->GetRepeatedString(message, field, at)
                                     : reflection->GetString(message, field));
      }
    }
  }

  int64_t integer(int64_t now) {
    static const int64_t kValues[] = {0,
                                      1,
                                      -1,
                                      2,
                                      3,
                                      4,
                                      5,
                                      6,
                                      7,
                                      8,
                                      11,
                                      12,
                                      13,
                                      16,
                                      17,
                                      18,
                                      20,
                                      21,
                                      64,
                                      127,
                                      -2,
                                      -3,
                                      -4,
                                      255,
                                      256,
                                      999,
                                      1 << 16,
                                      1 << 20,
                                      INT32_MAX,
                                      INT32_MIN,
                                      int64_t{1} << 32,
                                      int64_t{1} << 40,
                                      int64_t{1} << 62,
                                      INT64_MAX,
                                      INT64_MIN};
    switch (below(4)) {
    case 0:
      return static_cast<int64_t>(static_cast<uint64_t>(now) + 1);
    case 1:
      return static_cast<int64_t>(static_cast<uint64_t>(now) ^ (uint64_t{1} << below(64)));
    default:
      return kValues[below(std::size(kValues))];
    }
  }

  double real(double now) {
    static const double kValues[] = {0,
                                     -0.0,
                                     1,
                                     -1,
                                     0.5,
                                     2,
                                     3,
                                     1e-12,
                                     1e-5,
                                     1e38,
                                     -1e38,
                                     1e-45,
                                     1e300,
                                     std::numeric_limits<double>::infinity(),
                                     -std::numeric_limits<double>::infinity(),
                                     std::nan("")};
    return below(3) ? kValues[below(std::size(kValues))] : now * 2 + 0.25;
  }

  std::string text(const std::string &now) {
    static const char *const kWords[] = {"axis",     "axes",    "to",     "perm",       "equation",
                                         "value",    "epsilon", "alpha",  "keepdims",   "allowzero",
                                         "location", "offset",  "length", "ij,jk->ik",  "...",
                                         "tanh",     "none",    "..",     "/etc/passwd"};
    switch (below(8)) {
    case 0:
      return "";
    case 1:
      return bytes(now);
    case 2:
      return kWords[below(std::size(kWords))];
    case 3:
      return ops()[below(ops().size())].name;
    default:
      return strings.empty() ? now : strings[below(strings.size())];
    }
  }

  std::string bytes(const std::string &now) {
    std::string changed = now;
    changed.resize(now.size() + 16);
    size_t size =
        LLVMFuzzerMutate(reinterpret_cast<uint8_t *>(&changed[0]), now.size(), changed.size());
    changed.resize(size);
    return changed;
  }

  bool hasFunction(const ::onnx::FunctionProto &wanted) const {
    return std::any_of(model.functions().begin(), model.functions().end(), [&](const auto &known) {
      return known.name() == wanted.name() && known.domain() == wanted.domain();
    });
  }

  static llvm::ArrayRef<aac::onnx::OpSpec> ops() { return aac::onnx::opTable(); }

  void changeField(Place place) {
    Message *message = place.message;
    const FieldDescriptor *field = place.field;
    const Reflection *reflection = message->GetReflection();
    bool repeated = field->is_repeated();
    int size = repeated ? reflection->FieldSize(*message, field) : 0;
    if (repeated && size > 0) {
      switch (below(4)) {
      case 0:
        reflection->RemoveLast(message, field);
        return;
      case 1:
        reflection->SwapElements(message, field, below(size), below(size));
        return;
      default:
        break;
      }
    }
    if (!repeated && below(8) == 0) {
      reflection->ClearField(message, field);
      return;
    }
    bool grow = repeated && (size == 0 || below(4) == 0);
    int at = size > 0 ? below(size) : 0;
    switch (field->cpp_type()) {
#define AAC_CHANGE(TYPE, NAME, VALUE)                                                              \
  case FieldDescriptor::CPPTYPE_##TYPE: {                                                          \
    auto now = !repeated   ? reflection->Get##NAME(*message, field)                                \
               : size == 0 ? decltype(reflection->Get##NAME(*message, field)){}                    \
                           : reflection->GetRepeated##NAME(*message, field, at);                   \
    auto next = VALUE;                                                                             \
    if (grow)                                                                                      \
      reflection->Add##NAME(message, field, next);                                                 \
    else if (repeated)                                                                             \
      reflection->SetRepeated##NAME(message, field, at, next);                                     \
    else                                                                                           \
      reflection->Set##NAME(message, field, next);                                                 \
    return;                                                                                        \
  }
      AAC_CHANGE(INT32, Int32, static_cast<int32_t>(integer(now)))
      AAC_CHANGE(INT64, Int64, integer(now))
      AAC_CHANGE(UINT32, UInt32, static_cast<uint32_t>(integer(now)))
      AAC_CHANGE(UINT64, UInt64, static_cast<uint64_t>(integer(static_cast<int64_t>(now))))
      AAC_CHANGE(FLOAT, Float, static_cast<float>(real(now)))
      AAC_CHANGE(DOUBLE, Double, real(now))
      AAC_CHANGE(BOOL, Bool, !now)
      AAC_CHANGE(STRING, String,
                 field->type() == FieldDescriptor::TYPE_BYTES ? bytes(now) : text(now))
#undef AAC_CHANGE
    case FieldDescriptor::CPPTYPE_ENUM: {
      int value = static_cast<int>(below(24));
      if (grow)
        reflection->AddEnumValue(message, field, value);
      else if (repeated)
        reflection->SetRepeatedEnumValue(message, field, at, value);
      else
        reflection->SetEnumValue(message, field, value);
      return;
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      if (repeated) {
        Message *added = reflection->AddMessage(message, field);
        if (size > 0)
          added->CopyFrom(reflection->GetRepeatedMessage(*message, field, at));
      } else {
        reflection->MutableMessage(message, field);
      }
      return;
    }
  }

  /// Names of values that a node could read.
  std::vector<std::string> valueNames() const {
    std::vector<std::string> names;
    for (const auto &input : model.graph().input())
      names.push_back(input.name());
    for (const auto &tensor : model.graph().initializer())
      names.push_back(tensor.name());
    for (const auto &node : model.graph().node())
      for (const auto &output : node.output())
        names.push_back(output);
    return names;
  }

  void addAttribute(::onnx::NodeProto &node) {
    static const char *const kInts[] = {"axis",
                                        "keepdims",
                                        "to",
                                        "transA",
                                        "transB",
                                        "allowzero",
                                        "noop_with_empty_axes",
                                        "fmod",
                                        "start",
                                        "end",
                                        "num_outputs",
                                        "value_int",
                                        "upper",
                                        "exclusive",
                                        "reverse",
                                        "stash_type"};
    static const char *const kLists[] = {"axes", "perm", "split", "value_ints"};
    static const char *const kFloats[] = {"alpha", "beta", "epsilon", "ratio", "value_float"};
    ::onnx::AttributeProto &attribute = *node.add_attribute();
    switch (below(4)) {
    case 0:
    case 1:
      attribute.set_name(kInts[below(std::size(kInts))]);
      attribute.set_type(::onnx::AttributeProto::INT);
      attribute.set_i(integer(0));
      return;
    case 2:
      attribute.set_name(kLists[below(std::size(kLists))]);
      attribute.set_type(::onnx::AttributeProto::INTS);
      for (unsigned i = 0, n = below(5); i < n; ++i)
        attribute.add_ints(below(8) ? static_cast<int64_t>(below(6)) - 2 : integer(0));
      return;
    default:
      attribute.set_name(kFloats[below(std::size(kFloats))]);
      attribute.set_type(::onnx::AttributeProto::FLOAT);
      attribute.set_f(static_cast<float>(real(1)));
    }
  }

  /// A node on values that are there; something reads its result.
  void insertNode() {
    auto &graph = *model.mutable_graph();
    std::vector<std::string> names = valueNames();
    if (names.empty() || graph.node_size() > 200)
      return;
    const aac::onnx::OpSpec &op = ops()[below(ops().size())];
    std::string result = "new" + std::to_string(random() % 1000000);
    int reader = graph.node_size() > 0 ? static_cast<int>(below(graph.node_size())) : -1;
    ::onnx::NodeProto &node = *graph.add_node();
    node.set_op_type(op.name);
    int inputs = op.maxInputs < 0
                     ? 1 + static_cast<int>(below(3))
                     : op.minInputs + static_cast<int>(below(op.maxInputs - op.minInputs + 1));
    for (int i = 0; i < inputs; ++i)
      node.add_input(names[below(names.size())]);
    node.add_output(result);
    if (op.name == std::string("Split"))
      node.add_output(result + "b");
    for (unsigned i = 0, n = below(3); i < n; ++i)
      addAttribute(node);
    ::onnx::NodeProto *user = reader >= 0 ? graph.mutable_node(reader) : nullptr;
    if (user && user->input_size() > 0 && below(4)) {
      int place = static_cast<int>(below(user->input_size()));
      if (inputs > 0 && below(2)) // between a value and its user
        *node.mutable_input(0) = user->input(place);
      user->set_input(place, result);
    } else {
      graph.add_output()->set_name(result);
    }
  }

  /// Another operator or attribute.
  void changeNode() {
    auto &graph = *model.mutable_graph();
    if (graph.node_size() == 0)
      return;
    auto &node = *graph.mutable_node(static_cast<int>(below(graph.node_size())));
    if (below(2))
      node.set_op_type(ops()[below(ops().size())].name);
    else
      addAttribute(node);
  }

  ::onnx::ModelProto &model;
  std::minstd_rand random;
  std::vector<Place> places;
  std::vector<std::string> strings;
};

size_t store(const ::onnx::ModelProto &model, uint8_t *data, size_t maxSize) {
  size_t size = model.ByteSizeLong();
  if (size > maxSize || !model.SerializeToArray(data, static_cast<int>(size)))
    return 0;
  return size;
}

} // namespace

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t maxSize,
                                          unsigned seed) {
  google::protobuf::Arena arena;
  auto &model = *google::protobuf::Arena::CreateMessage<::onnx::ModelProto>(&arena);
  if (seed % 16 == 0 || !model.ParseFromArray(data, static_cast<int>(size)))
    return LLVMFuzzerMutate(data, size, maxSize);
  Mutator(model, seed).run();
  size_t changed = store(model, data, maxSize);
  return changed ? changed : LLVMFuzzerMutate(data, size, maxSize);
}

extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t *first, size_t firstSize,
                                            const uint8_t *second, size_t secondSize, uint8_t *out,
                                            size_t maxSize, unsigned seed) {
  google::protobuf::Arena arena;
  auto &model = *google::protobuf::Arena::CreateMessage<::onnx::ModelProto>(&arena);
  auto &other = *google::protobuf::Arena::CreateMessage<::onnx::ModelProto>(&arena);
  if (!model.ParseFromArray(first, static_cast<int>(firstSize)) ||
      !other.ParseFromArray(second, static_cast<int>(secondSize)))
    return 0;
  Mutator(model, seed).splice(other);
  return store(model, out, maxSize);
}
