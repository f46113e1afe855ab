#include "radar_spoof/config/yaml_document.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <sstream>
#include <utility>

#include <fmt/format.h>
#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include "radar_spoof/config/problem_list.h"
#include "radar_spoof/core/file.h"
#include "radar_spoof/core/text.h"

namespace radar_spoof {
namespace {

// 7,680 queries, each written out with every key and a name of 128 bytes, are 2.6 MB and 180,000
// values.
constexpr std::size_t kMaxFileBytes = std::size_t{4} << 20;
constexpr std::size_t kMaxNodes = 250'000;
constexpr std::size_t kMaxDepth = 32;
constexpr std::string_view kUnclosedQuote = "unclosed quote; expected a closing quote";
constexpr std::size_t kMaxProblems = 1'000;

// What ends the parse. Also thrown through yaml-cpp, and caught in Build.
struct FatalProblem {
  Place place;
  std::string message;
};

unsigned Byte(std::string_view text, std::size_t i) { return static_cast<unsigned char>(text[i]); }

bool IsControl(std::string_view text, std::size_t i) {
  const unsigned byte = Byte(text, i);
  if (byte == '\t' || byte == '\n' || byte == '\r') return false;
  return byte < 0x20U || byte == 0x7FU;
}

// The text as its lines, so that problems can be placed. Lines and columns given to it are 0-based,
// as yaml-cpp's marks are. Columns count bytes.
class SourceText {
 public:
  // `text` must outlive this object.
  explicit SourceText(std::string_view text) : text_(text), line_starts_{0} {
    for (std::size_t end = text.find('\n'); end != text.npos; end = text.find('\n', end + 1)) {
      line_starts_.push_back(end + 1);
    }
  }

  // The first thing in it that is not text: invalid UTF-8, or a control character other than tab
  // and line ends.
  std::optional<FatalProblem> FirstThatIsNotText() const {
    const auto is_plain = [](char c) { return c >= 0x20 && c < 0x7F; };
    std::size_t i = 0;
    std::size_t length = 1;
    for (; i < text_.size(); i += length) {
      length = is_plain(text_[i]) ? 1 : FirstCodePoint(text_.substr(i)).bytes;
      if (length == 0 || IsControl(text_, i)) break;
    }
    if (i == text_.size()) return std::nullopt;
    const auto next_line = std::upper_bound(line_starts_.begin(), line_starts_.end(), i);
    const Place place = {static_cast<int>(next_line - line_starts_.begin()),
                         static_cast<int>(i - *std::prev(next_line)) + 1};
    const std::string byte = fmt::format("\\x{:02X}", Byte(text_, i));
    const std::string found =
        length > 0 ? "the control character " + byte : "the byte " + byte + ", which is not UTF-8";
    return FatalProblem{place, fmt::format("found {}; expected UTF-8 text", found)};
  }

  // The byte there, or '\0' past the end of the line.
  char At(int line, int column) const {
    const std::string_view text = Line(line);
    if (column < 0 || static_cast<std::size_t>(column) >= text.size()) return '\0';
    return text[static_cast<std::size_t>(column)];
  }

  // Whether the quoted text that begins there ends. yaml-cpp lets the end of the file end it.
  bool IsClosedQuote(int line, int column) const {
    const char quote = At(line, column);
    if (quote != '"' && quote != '\'') return true;
    std::size_t i = line_starts_[static_cast<std::size_t>(line)] + static_cast<std::size_t>(column);
    while (++i < text_.size()) {
      if (text_[i] == '\\' && quote == '"') {
        ++i;
      } else if (text_[i] == quote) {
        const bool is_doubled = quote == '\'' && i + 1 < text_.size() && text_[i + 1] == quote;
        if (!is_doubled) return true;
        ++i;
      }
    }
    return false;
  }

  bool IsIndentedByTab(int line) const {
    const std::string_view text = Line(line);
    return text.substr(0, text.find_first_not_of(" \t")).find('\t') != std::string_view::npos;
  }

 private:
  std::string_view Line(int line) const {
    const auto index = static_cast<std::size_t>(line);
    if (line < 0 || index >= line_starts_.size()) return {};
    const std::size_t start = line_starts_[index];
    const std::size_t end =
        index + 1 < line_starts_.size() ? line_starts_[index + 1] - 1 : text_.size();
    return text_.substr(start, end - start);
  }

  std::string_view text_;
  std::vector<std::size_t> line_starts_;
};

// Builds the tree from yaml-cpp's events. Its own node graph knows neither duplicate keys nor where
// a null stands, and shares nodes between aliases.
class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(const SourceText& source, ProblemList& problems)
      : source_(source), problems_(problems) {}

  // What there was in the document; nothing a second time.
  std::optional<YamlNode> TakeRoot() { return std::exchange(root_, std::nullopt); }
  // The list or map that is open at this moment and was opened last.
  std::optional<Place> InnermostOpen() const {
    if (open_.empty()) return std::nullopt;
    return open_.back().node.place;
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (root_) {
      throw FatalProblem{PlaceOf(mark), "found a second document; expected one document a file"};
    }
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    YamlNode node = NewNode(YamlNode::Kind::kNull, mark, "?", anchor);
    // yaml-cpp puts a value that is not there at the token after it.
    if (!open_.empty() && open_.back().key) {
      node.place = open_.back().key->place;
    }
    Finish(std::move(node));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    Refuse(PlaceOf(mark), "found an alias (*name); expected the value itself");
    Finish(NewNode(YamlNode::Kind::kNull, mark, "?", 0));
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    YamlNode node = NewNode(YamlNode::Kind::kScalar, mark, tag, anchor);
    node.text = value;
    node.quoted = tag == "!";
    if (node.quoted && !source_.IsClosedQuote(mark.line, mark.column)) {
      throw FatalProblem{node, std::string(kUnclosedQuote)};
    }
    Finish(std::move(node));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(NewNode(YamlNode::Kind::kSequence, mark, tag, anchor));
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(NewNode(YamlNode::Kind::kMap, mark, tag, anchor));
  }
  void OnMapEnd() override { Close(); }

 private:
  struct OpenNode {
    YamlNode node;
    bool key_is_next = true;           // kMap
    std::optional<YamlNode::Key> key;  // kMap: of the value that is next; none: drop that value
    std::map<std::string, int, std::less<>> lines_of_keys;  // of a map with many keys
  };

  static Place PlaceOf(const YAML::Mark& mark) { return {mark.line + 1, mark.column + 1}; }

  void Refuse(Place place, std::string message) {
    if (problems_.size() >= kMaxProblems) throw FatalProblem{place, std::move(message)};
    problems_.Add(place, Path(), std::move(message));
  }

  std::string Path() const {
    std::string path;
    for (const OpenNode& open : open_) {
      if (open.node.kind == YamlNode::Kind::kSequence) {
        path += fmt::format("[{}]", open.node.children.size());
      } else if (open.key) {
        path += (path.empty() ? "" : ".") + ForMessage(open.key->name);
      }
    }
    return path;
  }

  YamlNode NewNode(YamlNode::Kind kind, const YAML::Mark& mark, const std::string& tag,
                   YAML::anchor_t anchor) {
    const Place place = PlaceOf(mark);
    if (++nodes_ > kMaxNodes) {
      throw FatalProblem{place,
                         fmt::format("found more than {} values; expected fewer", kMaxNodes)};
    }
    YamlNode node;
    node.kind = kind;
    node.place = place;
    if (anchor != 0) Refuse(place, "found an anchor (&name); expected the value alone");
    // "?" and "!" stand for "none": a lone "!" in the file is told by what is written there.
    const bool has_tag = (tag != "?" && tag != "!") || source_.At(mark.line, mark.column) == '!';
    if (has_tag) Refuse(place, "found a tag (!name); expected the value alone");
    return node;
  }

  void Open(YamlNode node) {
    if (open_.size() >= kMaxDepth) {
      throw FatalProblem{
          node, fmt::format("found more than {} levels of nesting; expected fewer", kMaxDepth)};
    }
    open_.push_back({std::move(node), true, std::nullopt, {}});
  }

  void Close() {
    YamlNode node = std::move(open_.back().node);
    open_.pop_back();
    Finish(std::move(node));
  }

  void Finish(YamlNode&& node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    OpenNode& parent = open_.back();
    if (parent.node.kind == YamlNode::Kind::kSequence) {
      parent.node.children.push_back(std::move(node));
    } else if (parent.key_is_next) {
      parent.key_is_next = false;
      TakeKey(std::move(node));
    } else {
      parent.key_is_next = true;
      if (!parent.key) return;
      parent.node.keys.push_back(*std::move(parent.key));
      parent.node.children.push_back(std::move(node));
      parent.key.reset();
    }
  }

  void TakeKey(YamlNode&& node) {
    OpenNode& parent = open_.back();
    if (node.kind != YamlNode::Kind::kScalar) {
      Refuse(node, fmt::format("found {} as a key; expected text", Describe(node)));
      return;
    }
    if (node.text == "<<") {
      Refuse(node, "found a merge key (<<); expected the keys themselves");
      return;
    }
    const std::optional<int> first = LineOfKey(parent, node.text);
    parent.key = YamlNode::Key{std::move(node.text), node.place};
    if (!first) return;
    Refuse(*parent.key,
           fmt::format("found this key again, first on line {}; expected each key once", *first));
    parent.key.reset();
  }

  // Few keys, as most maps have, are looked through; many are looked up.
  static std::optional<int> LineOfKey(OpenNode& map, std::string_view name) {
    constexpr std::size_t kFew = 16;
    const std::vector<YamlNode::Key>& keys = map.node.keys;
    if (keys.size() <= kFew) {
      const auto found = std::find_if(keys.begin(), keys.end(),
                                      [&](const YamlNode::Key& key) { return key.name == name; });
      return found == keys.end() ? std::nullopt : std::optional(found->place.line);
    }
    for (std::size_t i = map.lines_of_keys.size(); i < keys.size(); ++i) {
      map.lines_of_keys.emplace(keys[i].name, keys[i].place.line);
    }
    const auto found = map.lines_of_keys.find(name);
    return found == map.lines_of_keys.end() ? std::nullopt : std::optional(found->second);
  }

  const SourceText& source_;
  ProblemList& problems_;
  std::vector<OpenNode> open_;
  std::optional<YamlNode> root_;
  std::size_t nodes_ = 0;
};

// yaml-cpp's words are about its scanner; these are about the file.
std::string Reworded(const std::string& message) {
  if (message == YAML::ErrorMsg::END_OF_MAP) return "text that is not a key of the map around it";
  if (message == YAML::ErrorMsg::END_OF_SEQ)
    return "text that is not an item of the list around it";
  if (message == YAML::ErrorMsg::MAP_VALUE) return "a \":\" where no key can stand";
  if (message == YAML::ErrorMsg::UNKNOWN_TOKEN) return "a character that cannot begin a value";
  if (message == YAML::ErrorMsg::FLOW_END) return "a closing bracket that matches no open one";
  return fmt::format("text that is not YAML ({})", ForMessage(message));
}

// Unclosed brackets are reported at the bracket, not where yaml-cpp gave up.
Place PlaceOfError(const YAML::Exception& error, const SourceText& source,
                   const TreeBuilder& builder) {
  const bool is_unclosed =
      error.msg == YAML::ErrorMsg::END_OF_SEQ_FLOW || error.msg == YAML::ErrorMsg::END_OF_MAP_FLOW;
  if (is_unclosed) {
    if (const auto open = builder.InnermostOpen()) return *open;
  }
  if (error.mark.is_null()) return {};
  if (source.IsIndentedByTab(error.mark.line)) return {error.mark.line + 1, 1};
  return {error.mark.line + 1, error.mark.column + 1};
}

std::string SyntaxMessage(const YAML::Exception& error, const SourceText& source) {
  if (dynamic_cast<const YAML::DeepRecursion*>(&error) != nullptr) {
    return fmt::format("found more than {} levels of nesting; expected fewer", kMaxDepth);
  }
  if (error.msg == YAML::ErrorMsg::UNKNOWN_ANCHOR) {
    return "found an alias (*name); expected the value itself";
  }
  if (!error.mark.is_null() && source.IsIndentedByTab(error.mark.line)) {
    return "found a tab in the indentation; expected spaces";
  }
  if (error.msg == YAML::ErrorMsg::END_OF_SEQ_FLOW)
    return "unclosed \"[\"; expected a closing \"]\"";
  if (error.msg == YAML::ErrorMsg::END_OF_MAP_FLOW)
    return "unclosed \"{\"; expected a closing \"}\"";
  if (error.msg == YAML::ErrorMsg::EOF_IN_SCALAR) return std::string(kUnclosedQuote);
  return fmt::format("found {}; expected valid YAML", Reworded(error.msg));
}

// Adds to `problems` what ends the parse; what can be read around is there already.
std::optional<YamlNode> Build(std::string_view yaml, ProblemList& problems) {
  const SourceText source(yaml);
  if (const auto problem = source.FirstThatIsNotText()) {
    problems.Add(problem->place, "", problem->message);
    return std::nullopt;
  }
  TreeBuilder builder(source, problems);
  std::istringstream stream{std::string(yaml)};
  try {
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const FatalProblem& problem) {
    problems.Add(problem.place, "", problem.message);
    return std::nullopt;
  } catch (const YAML::Exception& error) {
    problems.Add(PlaceOfError(error, source, builder), "", SyntaxMessage(error, source));
    return std::nullopt;
  }
  std::optional<YamlNode> root = builder.TakeRoot();
  if (root && root->kind != YamlNode::Kind::kNull) return root;
  problems.Add({}, "", "found an empty file; expected a YAML document");
  return std::nullopt;
}

}  // namespace

std::string Describe(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kNull: return "nothing";
    case YamlNode::Kind::kScalar:
      return node.quoted ? '"' + ForMessage(node.text) + '"' : ForMessage(node.text);
    case YamlNode::Kind::kSequence: return "a list";
    case YamlNode::Kind::kMap: return "a map";
  }
  return "";
}

const YamlNode* YamlNode::Find(std::string_view key) const {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].name == key) return &children[i];
  }
  return nullptr;
}

Result<YamlNode, std::vector<ConfigProblem>> ParseYaml(
    std::string_view yaml, const std::string& file_name,
    std::vector<ConfigProblem>* readable_around) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  ProblemList problems(file_name);
  if (yaml.size() > kMaxFileBytes) {
    problems.Add({}, "",
                 "found a file of more than 4 MiB; expected a regular file of at most 4 MiB");
    return problems.Sorted();
  }
  if (yaml.starts_with(kByteOrderMark)) yaml.remove_prefix(kByteOrderMark.size());
  std::optional<YamlNode> root = Build(yaml, problems);
  if (!root || (readable_around == nullptr && problems.size() > 0)) return problems.Sorted();
  if (readable_around != nullptr) *readable_around = problems.Sorted();
  return *std::move(root);
}

Result<YamlNode, std::vector<ConfigProblem>> ReadYamlFile(
    const std::string& path, std::vector<ConfigProblem>* readable_around) {
  const auto file = ReadRegularFile(path, kMaxFileBytes);
  if (!file) {
    ProblemList problems(path);
    problems.Add(
        {}, "",
        fmt::format("found {}; expected a regular file of at most 4 MiB", file.error().found));
    return problems.Sorted();
  }
  return ParseYaml(file.value().content, path, readable_around);
}

}  // namespace radar_spoof
