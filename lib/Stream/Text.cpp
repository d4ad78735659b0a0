//===- Text.cpp - a stream as text and back --------------------------------===//
//
// One thing a line; blanks at its ends and lines that begin with # do not count.
//
//   stream version=2
//   machine name="edgebert-sram"          then: line "..." for each line of its text
//   task name="sst2" run=1                then: input|output name="x" type=i64 shape=1x128
//   switch from=0 to=1 program=2          from is a task's number or none
//   image tier="dram" address=0x80000000 owners=0x3 bytes=4096       then: hex 00ff...
//                                           coded=1 at its end where the file codes it
//   program name="sst2" role=run owners=0x1   then instructions, `@7` after one: location 7
//   symbol name="w" role="ffn" placement="shared" owners=0x3 tier="dram" address=0x80000000
//          bytes=64 shape=8x8 format="" hash=0x0          (on one line)
//   location node="MatMul_7" op="linear" layer="layer"
//
// Strings are quoted with C escapes.
//
//===----------------------------------------------------------------------===//
#include "Container.h"

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#include <array>

namespace aac {
namespace {

using container::error;

constexpr size_t kHexBytesALine = 64;
constexpr absl::string_view kRoles[] = {"power_on", "switch", "run"};
constexpr absl::string_view kTypes[] = {"i32", "i64", "f32", "bool"};

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

std::string quoted(absl::string_view text) { return absl::StrCat("\"", absl::CEscape(text), "\""); }

std::string hex(uint64_t value) { return absl::StrCat("0x", absl::Hex(value)); }

std::string shapeText(const std::vector<int64_t> &shape) {
  std::string text;
  for (size_t i = 0; i < shape.size(); ++i)
    absl::StrAppend(&text, i ? "x" : "", shape[i]);
  return text;
}

void writeTensors(std::string &out, absl::string_view keyword,
                  const std::vector<TensorSpec> &tensors) {
  for (const TensorSpec &tensor : tensors)
    absl::StrAppend(&out, "  ", keyword, " name=", quoted(tensor.name),
                    " type=", kTypes[static_cast<size_t>(tensor.type)],
                    " shape=", shapeText(tensor.shape), "\n");
}

void writeHex(std::string &out, absl::Span<const uint8_t> bytes) {
  constexpr char digits[] = "0123456789abcdef";
  out.reserve(out.size() + 2 * bytes.size() + (bytes.size() / kHexBytesALine + 1) * 7);
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i % kHexBytesALine == 0)
      out += i == 0 ? "  hex " : "\n  hex ";
    out += digits[bytes[i] >> 4];
    out += digits[bytes[i] & 15];
  }
  out += '\n';
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

/// A line of the form: keyword, then words name=value or bare values.
class Line {
public:
  static absl::StatusOr<Line> parse(absl::string_view text) {
    Line line;
    size_t end = std::min(text.find(' '), text.size());
    line.keyword = text.substr(0, end);
    text.remove_prefix(end);
    while (true) {
      text = absl::StripLeadingAsciiWhitespace(text);
      if (text.empty())
        return line;
      absl::string_view name;
      size_t stop = text.find_first_of("= \"");
      if (stop != absl::string_view::npos && text[stop] == '=') {
        name = text.substr(0, stop);
        text.remove_prefix(stop + 1);
      }
      std::string value;
      if (!text.empty() && text[0] == '"') {
        size_t close = 1;
        while (close < text.size() && text[close] != '"')
          close += text[close] == '\\' ? 2 : 1;
        if (close >= text.size())
          return error("a string has no closing quote");
        std::string reason;
        if (!absl::CUnescape(text.substr(1, close - 1), &value, &reason))
          return error("bad escape in a string: ", reason);
        text.remove_prefix(close + 1);
        if (!text.empty() && text[0] != ' ')
          return error("expected a blank after a string");
      } else {
        size_t blank = std::min(text.find(' '), text.size());
        value = std::string(text.substr(0, blank));
        text.remove_prefix(blank);
      }
      line.words.emplace_back(name, std::move(value));
    }
  }

  absl::string_view keyword;

  /// The next word, which must be called `name` (empty: a bare value).
  absl::Status text(absl::string_view name, std::string &value) {
    if (next == words.size() || words[next].first != name)
      return error(keyword, ": expected ", name.empty() ? "a value" : name, name.empty() ? "" : "=",
                   next == words.size()
                       ? ", got the end of the line"
                       : absl::StrCat(", got ", words[next].first, "=", words[next].second));
    value = std::move(words[next++].second);
    return absl::OkStatus();
  }
  /// The next word is called `name`.
  bool isNext(absl::string_view name) const {
    return next < words.size() && words[next].first == name;
  }
  template <typename Int> absl::Status number(absl::string_view name, Int &value) {
    std::string word;
    if (auto status = text(name, word); !status.ok())
      return status;
    absl::string_view digits = word;
    bool good = absl::ConsumePrefix(&digits, "0x") ? absl::SimpleHexAtoi(digits, &value)
                                                   : absl::SimpleAtoi(digits, &value);
    return good ? absl::OkStatus()
                : error(keyword, ": ", name, " is '", word, "', which is not a number in range");
  }
  /// The next word is one of `choices`; its index.
  template <typename Enum>
  absl::Status choice(absl::string_view name, absl::Span<const absl::string_view> choices,
                      Enum &value) {
    std::string word;
    if (auto status = text(name, word); !status.ok())
      return status;
    for (size_t i = 0; i < choices.size(); ++i)
      if (choices[i] == word) {
        value = static_cast<Enum>(i);
        return absl::OkStatus();
      }
    return error(keyword, ": ", name, " is '", word, "', which is not known");
  }
  absl::Status shape(absl::string_view name, std::vector<int64_t> &shape) {
    std::string word;
    if (auto status = text(name, word); !status.ok())
      return status;
    absl::string_view rest = word;
    while (!rest.empty()) {
      size_t end = std::min(rest.find('x'), rest.size());
      if (end + 1 == rest.size() || !absl::SimpleAtoi(rest.substr(0, end), &shape.emplace_back()))
        return error(keyword, ": ", name, " is '", word, "', expected sizes such as 1x128");
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return absl::OkStatus();
  }
  absl::Status finish() const {
    return next == words.size()
               ? absl::OkStatus()
               : error(keyword, ": ", words[next].first, words[next].first.empty() ? "" : "=",
                       words[next].second, " is too much");
  }

private:
  std::vector<std::pair<absl::string_view, std::string>> words;
  size_t next = 0;
};

constexpr std::array<int, 256> makeHexValues() {
  std::array<int, 256> values{};
  for (int c = 0; c < 256; ++c)
    values[c] = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;
  return values;
}
constexpr std::array<int, 256> kHexValues = makeHexValues();

// Runs steps until one fails.
#define AAC_TRY(expression)                                                                        \
  if (absl::Status status = (expression); !status.ok())                                            \
  return status

/// Builds a stream line by line.
class Assembler {
public:
  absl::Status read(absl::string_view text) {
    if (absl::ConsumePrefix(&text, "hex "))
      return readHex(text);
    absl::string_view keyword = text.substr(0, text.find(' '));
    if (!inProgram || isKeyword(keyword)) {
      auto line = Line::parse(text);
      if (!line.ok())
        return line.status();
      AAC_TRY(readLine(*line));
      return line->finish();
    }
    return readInstruction(text);
  }

  absl::StatusOr<Stream> finish() {
    if (!started)
      return error("text does not start with: stream version=", container::kVersion);
    AAC_TRY(finishImage());
    size_t tasks = stream.tasks.size();
    stream.switchTo.assign((tasks + 1) * tasks, -1);
    for (auto [from, to, program] : switches) {
      if (to >= tasks || (from != kNone && from >= tasks))
        return error("switch from=", from, " to=", to, ": there are only ", tasks, " tasks");
      stream.switchTo[std::min<uint64_t>(from, tasks) * tasks + to] = program;
    }
    return std::move(stream);
  }

private:
  static constexpr uint64_t kNone = ~uint64_t{0};
  struct Switch {
    uint64_t from, to;
    int32_t program;
  };

  static bool isKeyword(absl::string_view word) {
    for (absl::string_view keyword : {"stream", "machine", "line", "task", "input", "output",
                                      "switch", "image", "program", "value", "symbol", "location"})
      if (keyword == word)
        return true;
    return false;
  }

  absl::Status readLine(Line &line) {
    AAC_TRY(finishImage());
    inProgram = false;
    if (line.keyword == "stream") {
      uint32_t version = 0;
      AAC_TRY(line.number("version", version));
      if (version != container::kVersion)
        return error("stream version is ", version, ", this program reads ", container::kVersion,
                     "; compile the suite again");
      started = true;
      return absl::OkStatus();
    }
    if (!started)
      return error("text does not start with: stream version=", container::kVersion);
    if (line.keyword == "machine")
      return line.text("name", stream.machineName);
    if (line.keyword == "line") {
      std::string text;
      AAC_TRY(line.text("", text));
      stream.machine += text;
      return absl::OkStatus();
    }
    if (line.keyword == "task") {
      Task task;
      AAC_TRY(line.text("name", task.name));
      AAC_TRY(line.number("run", task.runProgram));
      stream.tasks.push_back(std::move(task));
      return absl::OkStatus();
    }
    if (line.keyword == "input" || line.keyword == "output") {
      if (stream.tasks.empty())
        return error(line.keyword, ": there is no task before it");
      TensorSpec tensor;
      AAC_TRY(line.text("name", tensor.name));
      AAC_TRY(line.choice("type", kTypes, tensor.type));
      AAC_TRY(line.shape("shape", tensor.shape));
      Task &task = stream.tasks.back();
      (line.keyword == "input" ? task.inputs : task.outputs).push_back(std::move(tensor));
      return absl::OkStatus();
    }
    if (line.keyword == "switch")
      return readSwitch(line);
    if (line.keyword == "image") {
      Image image;
      AAC_TRY(line.text("tier", image.tier));
      AAC_TRY(line.number("address", image.address));
      AAC_TRY(line.number("owners", image.owners));
      AAC_TRY(line.number("bytes", imageBytes));
      if (line.isNext("coded")) {
        uint32_t coded = 0;
        AAC_TRY(line.number("coded", coded));
        if (coded != 1)
          return error("image: coded is ", coded, ", it is 1 or absent");
        image.coded = true;
      }
      stream.images.push_back(std::move(image));
      inImage = true;
      return absl::OkStatus();
    }
    if (line.keyword == "program") {
      Program program;
      AAC_TRY(line.text("name", program.name));
      AAC_TRY(line.choice("role", kRoles, program.role));
      AAC_TRY(line.number("owners", program.owners));
      stream.programs.push_back(std::move(program));
      inProgram = true;
      return absl::OkStatus();
    }
    if (line.keyword == "value")
      return readValue(line);
    if (line.keyword == "symbol")
      return readSymbol(line);
    if (line.keyword == "location") {
      Location location;
      AAC_TRY(line.text("node", location.node));
      AAC_TRY(line.text("op", location.op));
      AAC_TRY(line.text("layer", location.layer));
      stream.locations.push_back(std::move(location));
      return absl::OkStatus();
    }
    return error("unknown word '", line.keyword, "'");
  }

  absl::Status readValue(Line &line) {
    if (stream.programs.empty())
      return error("value: there is no program before it");
    StoredValue value;
    int transposed = 0;
    AAC_TRY(line.number("after", value.after));
    AAC_TRY(line.number("which", value.which));
    AAC_TRY(line.number("address", value.address));
    AAC_TRY(line.number("tokens", value.tokens));
    AAC_TRY(line.number("features", value.features));
    AAC_TRY(line.number("group", value.group));
    AAC_TRY(line.number("transposed", transposed));
    AAC_TRY(line.number("bias", value.bias));
    AAC_TRY(line.number("scale", value.scale));
    value.transposed = transposed != 0;
    stream.programs.back().values.push_back(value);
    return absl::OkStatus();
  }

  absl::Status readSwitch(Line &line) {
    Switch entry{kNone, 0, -1};
    std::string from;
    AAC_TRY(line.text("from", from));
    if (from != "none" && !absl::SimpleAtoi(from, &entry.from))
      return error("switch: from is '", from, "', expected a task's number or none");
    AAC_TRY(line.number("to", entry.to));
    AAC_TRY(line.number("program", entry.program));
    switches.push_back(entry);
    return absl::OkStatus();
  }

  absl::Status readSymbol(Line &line) {
    Symbol symbol;
    AAC_TRY(line.text("name", symbol.name));
    AAC_TRY(line.text("role", symbol.role));
    AAC_TRY(line.text("placement", symbol.placement));
    AAC_TRY(line.number("owners", symbol.owners));
    AAC_TRY(line.text("tier", symbol.tier));
    AAC_TRY(line.number("address", symbol.address));
    AAC_TRY(line.number("bytes", symbol.storedBytes));
    AAC_TRY(line.shape("shape", symbol.shape));
    AAC_TRY(line.text("format", symbol.format));
    AAC_TRY(line.number("hash", symbol.hash));
    stream.symbols.push_back(std::move(symbol));
    return absl::OkStatus();
  }

  absl::Status readHex(absl::string_view digits) {
    if (!inImage)
      return error("hex: there is no image before it");
    if (digits.size() % 2 != 0)
      return error("hex: an odd number of digits");
    std::vector<uint8_t> &bytes = stream.images.back().bytes;
    for (size_t i = 0; i < digits.size(); i += 2) {
      int high = kHexValues[static_cast<uint8_t>(digits[i])];
      int low = kHexValues[static_cast<uint8_t>(digits[i + 1])];
      if ((high | low) < 0)
        return error("hex: '", digits.substr(i, 2), "' is not a byte");
      bytes.push_back(static_cast<uint8_t>(high << 4 | low));
    }
    return absl::OkStatus();
  }

  absl::Status finishImage() {
    if (inImage && stream.images.back().bytes.size() != imageBytes)
      return error("image ", stream.images.size() - 1, ": bytes is ", imageBytes, ", hex has ",
                   stream.images.back().bytes.size());
    inImage = false;
    return absl::OkStatus();
  }

  absl::Status readInstruction(absl::string_view text) {
    Program &program = stream.programs.back();
    int32_t location = -1;
    size_t at = text.rfind('@');
    if (at != absl::string_view::npos) {
      if (!absl::SimpleAtoi(text.substr(at + 1), &location) || location < 0)
        return error("location after @ is not a number: ", text);
      text = text.substr(0, at);
    }
    auto instruction = isa::parse(text);
    if (!instruction.ok())
      return instruction.status();
    program.code.push_back(*instruction);
    if (location >= 0 || !program.location.empty()) {
      program.location.resize(program.code.size() - 1, -1);
      program.location.push_back(location);
    }
    return absl::OkStatus();
  }

  Stream stream;
  std::vector<Switch> switches;
  bool started = false, inProgram = false, inImage = false;
  uint64_t imageBytes = 0;
};

} // namespace

absl::StatusOr<std::string> disassemble(absl::string_view bytes) {
  auto read = deserialize(bytes);
  if (!read.ok())
    return read.status();
  const Stream &stream = *read;
  std::string out = absl::StrCat("stream version=", container::kVersion, "\n");

  absl::StrAppend(&out, "machine name=", quoted(stream.machineName), "\n");
  for (absl::string_view rest = stream.machine; !rest.empty();) {
    size_t end = rest.find('\n');
    end = end == absl::string_view::npos ? rest.size() : end + 1;
    absl::StrAppend(&out, "  line ", quoted(rest.substr(0, end)), "\n");
    rest.remove_prefix(end);
  }

  size_t tasks = stream.tasks.size();
  for (const Task &task : stream.tasks) {
    absl::StrAppend(&out, "task name=", quoted(task.name), " run=", task.runProgram, "\n");
    writeTensors(out, "input", task.inputs);
    writeTensors(out, "output", task.outputs);
  }
  for (size_t from = 0; from <= tasks; ++from)
    for (size_t to = 0; to < tasks; ++to)
      if (int32_t program = stream.switchTo[from * tasks + to]; program >= 0)
        absl::StrAppend(&out, "switch from=", from == tasks ? "none" : absl::StrCat(from),
                        " to=", to, " program=", program, "\n");

  for (const Image &image : stream.images) {
    absl::StrAppend(&out, "image tier=", quoted(image.tier), " address=", hex(image.address),
                    " owners=", hex(image.owners), " bytes=", image.bytes.size(),
                    image.coded ? " coded=1\n" : "\n");
    writeHex(out, image.bytes);
  }
  for (const Program &program : stream.programs) {
    absl::StrAppend(&out, "program name=", quoted(program.name),
                    " role=", kRoles[static_cast<size_t>(program.role)],
                    " owners=", hex(program.owners), "\n");
    for (size_t i = 0; i < program.code.size(); ++i) {
      absl::StrAppend(&out, "  ", isa::print(program.code[i]));
      if (!program.location.empty() && program.location[i] >= 0)
        absl::StrAppend(&out, " @", program.location[i]);
      out += '\n';
    }
    for (const StoredValue &value : program.values)
      absl::StrAppend(&out, "value after=", value.after, " which=", value.which,
                      " address=", hex(value.address), " tokens=", value.tokens,
                      " features=", value.features, " group=", value.group,
                      " transposed=", value.transposed ? 1 : 0, " bias=", value.bias,
                      " scale=", value.scale, "\n");
  }
  for (const Symbol &symbol : stream.symbols)
    absl::StrAppend(&out, "symbol name=", quoted(symbol.name), " role=", quoted(symbol.role),
                    " placement=", quoted(symbol.placement), " owners=", hex(symbol.owners),
                    " tier=", quoted(symbol.tier), " address=", hex(symbol.address),
                    " bytes=", symbol.storedBytes, " shape=", shapeText(symbol.shape),
                    " format=", quoted(symbol.format), " hash=", hex(symbol.hash), "\n");
  for (size_t i = 0; i < stream.locations.size(); ++i) {
    const Location &location = stream.locations[i];
    absl::StrAppend(&out, "location node=", quoted(location.node), " op=", quoted(location.op),
                    " layer=", quoted(location.layer), "\n");
  }
  return out;
}

absl::StatusOr<std::string> assemble(absl::string_view text) {
  Assembler assembler;
  for (size_t number = 1; !text.empty(); ++number) {
    size_t end = std::min(text.find('\n'), text.size());
    absl::string_view line = absl::StripAsciiWhitespace(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line[0] == '#')
      continue;
    if (auto status = assembler.read(line); !status.ok())
      return error("line ", number, ": ", status.message());
  }
  auto stream = assembler.finish();
  if (!stream.ok())
    return stream.status();
  return serialize(*stream);
}

} // namespace aac
