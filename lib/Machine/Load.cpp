//===- Load.cpp - machine files: finding, parsing, inheriting -------------===//

#include "Proto.h"
#include "aac/Machine/Machine.h"
#include "aac/Support/File.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>
#include <set>

namespace aac {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using google::protobuf::TextFormat;
namespace fs = std::filesystem;

constexpr absl::string_view kExtension = ".textproto";

/// Keeps the first error of the parser.
class FirstError : public google::protobuf::io::ErrorCollector {
public:
  void AddError(int line, google::protobuf::io::ColumnNumber, const std::string &message) override {
    if (!text.empty())
      return;
    this->line = line;
    text = message;
  }
  int line = -1; ///< from 0; -1 is the file as a whole
  std::string text;
};

/// Numbers with a source of their own: they never take another one's.
bool isReplacedWhole(const FieldDescriptor &field) {
  return field.message_type() == proto::Quantity::descriptor() ||
         field.message_type() == proto::CellLevels::descriptor();
}

/// Notes the place of every field of `message`.
void recordOrigins(const Message &message, const TextFormat::ParseInfoTree &tree,
                   absl::string_view path, Origins &origins) {
  const Reflection &reflection = *message.GetReflection();
  std::vector<const FieldDescriptor *> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor *field : fields) {
    bool repeated = field->is_repeated();
    int count = repeated ? reflection.FieldSize(message, field) : 1;
    for (int i = 0; i != count; ++i) {
      int index = repeated ? i : -1;
      const Message *child = nullptr;
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE)
        child = repeated ? &reflection.GetRepeatedMessage(message, field, i)
                         : &reflection.GetMessage(message, field);
      std::string childName =
          repeated && child ? elementPath(path, *field, *child, i) : childPath(path, field->name());
      int line = tree.GetLocation(field, index).line;
      origins.places[childName] = absl::StrCat(origins.file, ":", line + 1);
      if (child)
        if (const TextFormat::ParseInfoTree *nested = tree.GetTreeForNested(field, index))
          recordOrigins(*child, *nested, childName, origins);
    }
  }
}

/// Clears in `base` what `over` replaces as a whole: lists and quantities. MergeFrom
/// does the rest.
void clearReplaced(Message &base, const Message &over) {
  const Reflection &reflection = *over.GetReflection();
  std::vector<const FieldDescriptor *> fields;
  reflection.ListFields(over, &fields);
  for (const FieldDescriptor *field : fields) {
    if (field->is_repeated() || isReplacedWhole(*field))
      reflection.ClearField(&base, field);
    else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE)
      clearReplaced(*reflection.MutableMessage(&base, field), reflection.GetMessage(over, field));
  }
}

/// `base` with the fields of `over` in their place.
proto::Machine inherit(proto::Machine base, proto::Machine over) {
  // Tiers are matched by name: the file's own first, then the rest of the base's.
  google::protobuf::RepeatedPtrField<proto::Tier> tiers;
  std::set<std::string> named;
  for (const proto::Tier &tier : over.tiers()) {
    proto::Tier merged;
    for (const proto::Tier &candidate : base.tiers())
      if (candidate.name() == tier.name())
        merged = candidate;
    clearReplaced(merged, tier);
    if (tier.has_cell_error_rate()) // levels are those of a rate
      merged.clear_cell_levels();
    merged.MergeFrom(tier);
    named.insert(tier.name());
    *tiers.Add() = std::move(merged);
  }
  for (const proto::Tier &tier : base.tiers())
    if (named.count(tier.name()) == 0)
      *tiers.Add() = tier;
  base.clear_tiers();
  over.clear_tiers();
  over.clear_base();
  clearReplaced(base, over);
  base.MergeFrom(over);
  base.mutable_tiers()->Swap(&tiers);
  return base;
}

/// `chain` holds the files that lead here, for the message about a circle.
absl::StatusOr<proto::Machine> loadChain(const std::string &file,
                                         const std::vector<std::string> &searchPath,
                                         std::vector<std::string> chain, Origins &origins) {
  absl::StatusOr<std::string> text = readFile(file);
  if (!text.ok())
    return text.status();
  Origins own;
  absl::StatusOr<proto::Machine> message = parseText(*text, file, own);
  if (!message.ok())
    return message;
  if (absl::Status status = validateFile(*message, own); !status.ok())
    return status;
  if (!message->has_name())
    return fieldError(own, "name", "is missing; every machine file names its machine");
  if (!message->has_base()) {
    origins = std::move(own);
    return message;
  }

  chain.push_back(file);
  absl::StatusOr<std::string> baseFile =
      locateMachine(message->base(), fs::path(file).parent_path().string(), searchPath);
  if (!baseFile.ok())
    return fieldError(own, "base", baseFile.status().message());
  for (const std::string &seen : chain) {
    std::error_code ignored;
    if (fs::equivalent(seen, *baseFile, ignored))
      return fieldError(
          own, "base",
          absl::StrCat("inherits in a circle: ", absl::StrJoin(chain, " -> "), " -> ", *baseFile));
  }
  Origins baseOrigins;
  absl::StatusOr<proto::Machine> base = loadChain(*baseFile, searchPath, chain, baseOrigins);
  if (!base.ok())
    return base;
  origins = std::move(baseOrigins);
  origins.file = own.file;
  for (auto &[path, place] : own.places)
    origins.places[path] = place;
  return inherit(*std::move(base), *std::move(message));
}

} // namespace

std::string Origins::of(absl::string_view path) const {
  while (true) {
    if (auto found = places.find(path); found != places.end())
      return found->second;
    size_t dot = path.rfind('.');
    if (dot == absl::string_view::npos)
      return file;
    path = path.substr(0, dot);
  }
}

absl::Status fieldError(const Origins &origins, absl::string_view path, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(origins.of(path), ": ", path, ": ", what));
}

std::string childPath(absl::string_view parent, absl::string_view name) {
  return parent.empty() ? std::string(name) : absl::StrCat(parent, ".", name);
}

std::string elementPath(absl::string_view parent, const FieldDescriptor &field,
                        const Message &element, int index) {
  const FieldDescriptor *name = element.GetDescriptor()->FindFieldByName("name");
  std::string key = name ? element.GetReflection()->GetString(element, name) : "";
  if (key.empty())
    key = absl::StrCat(index);
  return absl::StrCat(childPath(parent, field.name()), "[", key, "]");
}

absl::StatusOr<proto::Machine> parseText(absl::string_view text, absl::string_view fileName,
                                         Origins &origins) {
  origins.file = std::string(fileName);
  proto::Machine message;
  FirstError error;
  TextFormat::ParseInfoTree tree;
  TextFormat::Parser parser;
  parser.RecordErrorsTo(&error);
  parser.WriteLocationsTo(&tree);
  if (!parser.ParseFromString(std::string(text), &message)) {
    // The parser says what is wrong; the line says of which field.
    std::vector<absl::string_view> lines = absl::StrSplit(text, '\n');
    std::string place = origins.file;
    std::string quoted;
    if (error.line >= 0 && error.line < static_cast<int>(lines.size())) {
      absl::StrAppend(&place, ":", error.line + 1);
      quoted = absl::StrCat(" (in '", absl::StripAsciiWhitespace(lines[error.line]), "')");
    }
    return absl::InvalidArgumentError(absl::StrCat(place, ": ", error.text, quoted));
  }
  recordOrigins(message, tree, "", origins);
  return message;
}

absl::StatusOr<std::string> locateMachine(absl::string_view nameOrPath, absl::string_view directory,
                                          const std::vector<std::string> &searchPath) {
  bool isPath = absl::StrContains(nameOrPath, '/') || absl::EndsWith(nameOrPath, kExtension);
  if (isPath) {
    fs::path file = std::string(nameOrPath);
    return (file.is_absolute() || directory.empty() ? file : std::string(directory) / file)
        .string();
  }
  std::vector<std::string> directories = searchPath;
  if (!directory.empty())
    directories.insert(directories.begin(), std::string(directory));
  std::error_code ignored;
  for (const std::string &candidate : directories) {
    fs::path file = fs::path(candidate) / absl::StrCat(nameOrPath, kExtension);
    if (fs::is_regular_file(file, ignored))
      return file.string();
  }
  std::vector<std::string> known = listMachines(directories);
  return absl::NotFoundError(absl::StrCat(
      "there is no machine '", nameOrPath, "' in ",
      directories.empty() ? "an empty search path" : absl::StrJoin(directories, ", "), "; ",
      known.empty() ? "there are none there"
                    : absl::StrCat("known are ", absl::StrJoin(known, ", ")),
      "; a path is recognised by a '/' or by ", kExtension));
}

absl::StatusOr<proto::Machine> loadInherited(const std::string &file,
                                             const std::vector<std::string> &searchPath,
                                             Origins &origins) {
  return loadChain(file, searchPath, {}, origins);
}

std::vector<std::string> defaultMachinePath() {
  std::vector<std::string> directories;
  if (const char *variable = std::getenv("AAC_MACHINES"))
    directories = absl::StrSplit(variable, ':', absl::SkipEmpty());
  directories.push_back(AAC_SOURCE_MACHINES);
  directories.push_back(AAC_INSTALL_MACHINES);
  return directories;
}

std::vector<std::string> listMachines(const std::vector<std::string> &searchPath) {
  std::set<std::string> names;
  for (const std::string &directory : searchPath) {
    std::error_code error;
    for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error))
      if (at->path().extension() == std::string(kExtension))
        names.insert(at->path().stem().string());
  }
  return {names.begin(), names.end()};
}

} // namespace aac
