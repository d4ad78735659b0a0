//===- Config.cpp - aac compile --config and --save-config ----------------===//
//
// A file of options, schema aac-config/1 (docs/ledger.md). What the command line says wins.
//
//===----------------------------------------------------------------------===//
#include "Compile.h"

#include "aac/Support/File.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include <nlohmann/json.hpp>

namespace aac::tool {
namespace {

using nlohmann::ordered_json;
constexpr char kSchema[] = "aac-config/1";

/// Options that are one string, by their field.
std::vector<std::pair<const char *, std::string CompileArguments::*>> stringFields() {
  return {{"machine", &CompileArguments::machine},
          {"sparsity", &CompileArguments::sparsity},
          {"format", &CompileArguments::format},
          {"merge", &CompileArguments::merge},
          {"calibration", &CompileArguments::calibration},
          {"codec", &CompileArguments::codec},
          {"budget", &CompileArguments::budget}};
}

/// Options that may be given several times.
std::vector<std::pair<const char *, std::vector<std::string> CompileArguments::*>> listFields() {
  return {{"prune", &CompileArguments::prune}, {"calibrate", &CompileArguments::calibrate}};
}

} // namespace

void readConfig(const CLI::App &command, CompileArguments &arguments) {
  for (const CLI::Option *option : command.get_options())
    if (option->count() > 0)
      arguments.given.insert(option->get_name(/*positional=*/false).substr(2));
  if (arguments.config.empty())
    return;
  auto bytes = readFile(arguments.config);
  if (!bytes.ok())
    fail(bytes.status());
  auto wrong = [&](const auto &...what) { fail(absl::StrCat(arguments.config, ": ", what...)); };
  ordered_json config = ordered_json::parse(*bytes, nullptr, /*allow_exceptions=*/false);
  if (!config.is_object())
    wrong("is not a JSON object");
  if (!config.contains("schema") || config["schema"] != kSchema)
    wrong("field 'schema' must be \"", kSchema, "\"");
  auto wasGiven = [&](absl::string_view field) {
    return command.count(absl::StrCat("--", field)) > 0;
  };
  for (const auto &[key, value] : config.items()) {
    if (key == "schema")
      continue;
    arguments.given.insert(key);
    if (key == "formats") {
      if (!value.is_array())
        wrong("field 'formats' must be a list of {\"match\", \"format\"}");
      std::vector<std::string> formats;
      for (size_t i = 0; i < value.size(); ++i) {
        const ordered_json &choice = value[i];
        for (const char *field : {"match", "format"})
          if (!choice.is_object() || choice.size() != 2 || !choice.contains(field) ||
              !choice[field].is_string())
            wrong("field 'formats[", i, "]' must hold the strings 'match' and 'format'");
        std::string match = choice["match"];
        if (match.empty() || match.find_first_of(",= {}") != std::string::npos)
          wrong("field 'formats[", i, "].match' is '", match,
                "': write ? for a comma, blank, brace or equals sign");
        formats.push_back(absl::StrCat(match, "=", std::string(choice["format"])));
      }
      if (!wasGiven(key))
        arguments.formats = absl::StrJoin(formats, ",");
      continue;
    }
    if (key == "resync") {
      if (!value.is_number_unsigned())
        wrong("field 'resync' must be a number of rows");
      if (!wasGiven(key))
        arguments.resync = value.get<unsigned>();
      continue;
    }
    bool known = false;
    for (auto [name, member] : listFields()) {
      if (key != name)
        continue;
      known = true;
      std::vector<std::string> values;
      for (const ordered_json &each : value.is_array() ? value : ordered_json::array({nullptr})) {
        if (!each.is_string())
          wrong("field '", key, "' must be a list of strings");
        values.push_back(each.get<std::string>());
      }
      if (!wasGiven(key))
        arguments.*member = std::move(values);
    }
    for (auto [name, member] : stringFields()) {
      if (key != name)
        continue;
      known = true;
      if (!value.is_string())
        wrong("field '", key, "' must be a string");
      if (!wasGiven(key))
        arguments.*member = value.get<std::string>();
    }
    if (!known)
      wrong("there is no field '", key, "'");
  }
}

void writeConfig(const CompileArguments &arguments) {
  if (arguments.saveConfig.empty())
    return;
  ordered_json config = {{"schema", kSchema}};
  for (auto [name, member] : stringFields())
    if (!(arguments.*member).empty())
      config[name] = arguments.*member;
  for (auto [name, member] : listFields())
    if (!(arguments.*member).empty())
      config[name] = arguments.*member;
  config["resync"] = arguments.resync;
  ordered_json formats = ordered_json::array();
  for (absl::string_view choice : absl::StrSplit(arguments.formats, ',', absl::SkipEmpty())) {
    size_t at = choice.rfind('=');
    formats.push_back({{"match", std::string(choice.substr(0, at))},
                       {"format", std::string(choice.substr(at + 1))}});
  }
  config["formats"] = std::move(formats);
  write(arguments.saveConfig, config.dump(2) + "\n");
}

} // namespace aac::tool
