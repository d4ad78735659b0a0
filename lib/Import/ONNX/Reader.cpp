//===- Reader.cpp - an ONNX file in owned memory --------------------------===//
//
// The file streams through protobuf once: its bytes exist once, in the messages. Some
// truncated or empty files are valid messages, hence the checks of what must be there.
//
//===----------------------------------------------------------------------===//
#include "Reader.h"
#include "ExternalData.h"
#include "Functions.h"
#include "GuardedStream.h"
#include "Messages.h"

#include "mlir/IR/Threading.h"
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl.h>
#include <google/protobuf/stubs/logging.h>
#include <limits>
#include <sys/stat.h>
#include <unistd.h>
#include <unordered_map>
#include <unordered_set>

namespace aac::onnx {
namespace {

constexpr int64_t kMaxBytes = std::numeric_limits<int32_t>::max();
/// Newer ones may have meanings that this importer does not know.
constexpr int64_t kNewestIrVersion = 13;
const char kTooLarge[] = "is larger than 2 GiB, the limit of protobuf: store the weights as "
                         "external data";

const char kUnparsable[] = "is not an ONNX model, or truncated, or nested more than 100 deep: "
                           "protobuf cannot parse it";

/// Closes a descriptor.
struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0)
      close(fd);
  }
};

/// Parses all of `fd`; `size` becomes the number of its bytes.
absl::Status parse(int fd, ::onnx::ModelProto &model, int64_t &size) {
  google::protobuf::io::FileInputStream stream(fd, 1 << 18);
  GuardedStream guarded(stream);
  google::protobuf::io::CodedInputStream coded(&guarded);
  bool parsed = model.ParseFromCodedStream(&coded) && coded.ConsumedEntireMessage();
  size = coded.CurrentPosition();
  if (stream.GetErrno() != 0)
    return bad(absl::StrCat("cannot read: ", std::strerror(stream.GetErrno())));
  if (guarded.tooExpensive())
    return bad(absl::StrCat("is no model: its messages would need more memory than ",
                            GuardedStream::kFree >> 20, " MiB and 1.25 times its bytes"));
  if (!parsed || guarded.broken())
    return bad(stream.ByteCount() >= kMaxBytes ? kTooLarge : kUnparsable);
  return absl::OkStatus();
}

absl::Status parseFile(const std::string &path, ::onnx::ModelProto &model) {
  int64_t size = 0;
  if (path == "-") {
    absl::Status status = parse(STDIN_FILENO, model, size);
    return status.ok() && size == 0 ? bad("is empty") : status;
  }
  Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.fd < 0)
    return bad(absl::StrCat("cannot open: ", std::strerror(errno)));
  struct stat info;
  if (fstat(file.fd, &info) != 0)
    return bad(absl::StrCat("cannot read: ", std::strerror(errno)));
  if (S_ISDIR(info.st_mode))
    return bad("is a directory");
  if (!S_ISREG(info.st_mode))
    return bad("is not a regular file (use - for standard input)");
  if (info.st_size == 0)
    return bad("is empty");
  if (info.st_size > kMaxBytes)
    return bad(kTooLarge);
  absl::Status status = parse(file.fd, model, size);
  struct stat after;
  if (fstat(file.fd, &after) != 0)
    return bad(absl::StrCat("cannot read: ", std::strerror(errno)));
  if (after.st_size != info.st_size || (status.ok() && size != info.st_size))
    return bad(absl::StrCat("changed while it was read: ", info.st_size, " bytes became ",
                            status.ok() ? std::max<int64_t>(size, after.st_size) : after.st_size));
  return status;
}

absl::StatusOr<int64_t> findOpset(const ::onnx::ModelProto &model) {
  int64_t opset = -1;
  for (const auto &import : model.opset_import()) {
    if (!import.domain().empty() && import.domain() != "ai.onnx")
      continue;
    if (opset >= 0 && opset != import.version())
      return bad(
          absl::StrCat("opset_import names the versions ", opset, " and ", import.version()));
    opset = import.version();
  }
  if (opset < 0)
    return bad("opset_import does not name the ONNX operator set (truncated?)");
  if (opset < kOldestOpset || opset > kNewestOpset)
    return bad(absl::StrCat("opset ", opset, " is not supported: export with opset ", kOldestOpset,
                            " to ", kNewestOpset));
  return opset;
}

std::string whereIs(absl::string_view initializer) {
  return absl::StrCat("initializer \"", escaped(std::string(initializer)), "\"");
}

/// Hashes and checks the bytes of all `tensors`, each once; the first error in their order.
absl::Status settleAll(std::vector<TensorData> &tensors, mlir::MLIRContext *context,
                       Contents &contents) {
  std::unordered_map<const std::string *, size_t> numbers;
  std::vector<std::vector<TensorData *>> groups; // of one string of bytes
  for (TensorData &tensor : tensors) {
    auto [number, isNew] = numbers.try_emplace(tensor.bytes.get(), groups.size());
    if (isNew)
      groups.emplace_back();
    groups[number->second].push_back(&tensor);
  }
  std::vector<absl::Status> found(groups.size());
  mlir::parallelFor(context, 0, groups.size(), [&](size_t i) {
    TensorData &first = *groups[i].front();
    settle(first);
    found[i] = checkFinite(first);
    auto bytes = contents.unique(first.hash, first.bytes);
    for (TensorData *tensor : groups[i]) {
      tensor->hash = first.hash;
      tensor->bytes = bytes;
    }
  });
  for (size_t i = 0; i < groups.size(); ++i)
    if (!found[i].ok())
      return bad(absl::StrCat(whereIs(groups[i].front()->name), ": ", found[i].message()));
  return absl::OkStatus();
}

} // namespace

absl::StatusOr<std::unique_ptr<FileModel>>
readModel(const std::string &path, mlir::MLIRContext *context, Contents &contents) {
  static const bool silent = [] { // parse errors are ours to report
    google::protobuf::SetLogHandler(nullptr);
    return true;
  }();
  (void)silent;
  auto model = std::make_unique<FileModel>();
  model->path = path;
  absl::Status status = parseFile(path, model->proto);
  if (!status.ok())
    return status;
  if (model->proto.ir_version() <= 0)
    return bad("ir_version is missing or 0: not an ONNX model");
  if (model->proto.ir_version() > kNewestIrVersion)
    return bad(absl::StrCat("ir_version ", model->proto.ir_version(),
                            " is not known, the newest is ", kNewestIrVersion));
  if (!model->proto.has_graph())
    return bad("has no graph (truncated?)");
  auto opset = findOpset(model->proto);
  if (!opset.ok())
    return opset.status();
  model->opset = *opset;
  if (status = inlineFunctions(model->proto, *opset); !status.ok())
    return status;
  ::onnx::GraphProto &graph = *model->proto.mutable_graph();
  if (graph.sparse_initializer_size() != 0)
    return bad(absl::StrCat(whereIs(graph.sparse_initializer(0).values().name()),
                            " is sparse: sparse tensors are not supported"));

  ExternalData external(path);
  std::unordered_set<std::string> names;
  for (::onnx::TensorProto &proto : *graph.mutable_initializer()) {
    std::string where = whereIs(proto.name());
    if (proto.name().empty())
      return bad("an initializer has no name");
    if (!names.insert(proto.name()).second)
      return bad(absl::StrCat(where, " occurs twice"));
    auto tensor = takeTensor(proto, external);
    if (!tensor.ok())
      return bad(absl::StrCat(where, ": ", tensor.status().message()));
    if (becomesF32(tensor->dataType))
      model->widened.insert(tensor->dataType);
    model->initializers.push_back(*std::move(tensor));
  }
  if (status = external.checkUnchanged(); !status.ok())
    return status;
  if (status = settleAll(model->initializers, context, contents); !status.ok())
    return status;
  return model;
}

} // namespace aac::onnx
