#include "radar_spoof/config/yaml_document.h"

#include <algorithm>
#include <map>
#include <sstream>
#include <utility>

#include <fmt/format.h>
#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

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

// The first thing in `text` that is not text: invalid UTF-8, or a control character other than tab
// and line ends.
std::optional<FatalProblem> FirstThatIsNotText(std::string_view text) {
  const auto is_plain = [](char c) { return c >= 0x20 && c < 0x7F; };
  const auto is_control = [](unsigned char c) {
    return (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F;
  };
  std::size_t i = 0;
  std::size_t length = 1;
  for (; i < text.size(); i += length) {
    length = is_plain(text[i]) ? 1 : FirstCodePoint(text.substr(i)).bytes;
    if (length == 0 || is_control(static_cast<unsigned char>(text[i]))) break;
  }
  if (i >= text.size()) return std::nullopt;
  const std::string_view before = text.substr(0, i);
  const Place place = {static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1,
                       static_cast<int>(i - (before.rfind('\n') + 1)) + 1};
  const std::string byte = fmt::format("\\x{:02X}", static_cast<unsigned char>(text[i]));
  const std::string found =
      length > 0 ? "the control character " + byte : "the byte " + byte + ", which is not UTF-8";
  return FatalProblem{place, fmt::format("found {}; expected UTF-8 text", found)};
}

// The text from there on: a mark counts bytes, as its line and column do.
std::string_view From(std::string_view text, const YAML::Mark& mark) {
  return text.substr(std::min(static_cast<std::size_t>(mark.pos), text.size()));
}

// Whether `text`, if it begins with a quote, has its second one. yaml-cpp lets the end of the file
// end it.
bool IsClosedQuote(std::string_view text) {
  if (!text.starts_with('"') && !text.starts_with('\'')) return true;
  const char quote = text.front();
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '\\' && quote == '"') {
      ++i;
    } else if (text[i] == quote) {
      const bool is_doubled = quote == '\'' && text.substr(i + 1).starts_with(quote);
      if (!is_doubled) return true;
      ++i;
    }
  }
  return false;
}

bool IsIndentedByTab(std::string_view text, const YAML::Mark& mark) {
  const std::string_view before = text.substr(0, static_cast<std::size_t>(mark.pos));
  const std::string_view line = text.substr(before.rfind('\n') + 1);
  return line.substr(0, line.find_first_not_of(" \t")).find('\t') != std::string_view::npos;
}

// The dash behind which nothing but comments stands until the mark: an item of a list without
// value.
std::optional<Place> DashBefore(std::string_view text, const YAML::Mark& mark) {
  std::string_view before = text.substr(0, static_cast<std::size_t>(mark.pos));
  for (int line = mark.line + 1;; --line) {
    const std::size_t begin = before.rfind('\n') + 1;
    std::string_view content = before.substr(begin);
    content = content.substr(0, content.find('#'));
    const std::size_t last = content.find_last_not_of(" \t\r");
    if (last != std::string_view::npos && content[last] == '-') {
      return Place{line, static_cast<int>(last) + 1};
    }
    if (last != std::string_view::npos || begin == 0) return std::nullopt;
    before = before.substr(0, begin - 1);
  }
}

// Builds the tree from yaml-cpp's events. Its own node graph knows neither duplicate keys nor where
// a null stands, and shares nodes between aliases.
class TreeBuilder final : public YAML::EventHandler {
 public:
  // `yaml` must outlive this object.
  TreeBuilder(std::string_view yaml, ProblemList& problems) : yaml_(yaml), problems_(problems) {}

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
    if (!open_.empty()) {
      const auto& key = open_.back().key;
      node.place = key ? key->place : DashBefore(yaml_, mark).value_or(node.place);
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
    if (node.quoted && !IsClosedQuote(From(yaml_, mark))) {
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
    std::map<std::string, int> lines_of_keys;  // of a map
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
    const bool has_tag = (tag != "?" && tag != "!") || From(yaml_, mark).starts_with('!');
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
    const auto [first, is_new] = parent.lines_of_keys.emplace(node.text, node.place.line);
    parent.key = YamlNode::Key{std::move(node.text), node.place};
    if (is_new) return;
    Refuse(*parent.key,
           fmt::format("found this key again, first on line {}; expected each key once",
                       first->second));
    parent.key.reset();
  }

  const std::string_view yaml_;
  ProblemList& problems_;
  std::vector<OpenNode> open_;
  std::optional<YamlNode> root_;
  std::size_t nodes_ = 0;
};

// yaml-cpp's words are about its scanner; these are about the file.
std::string Reworded(const std::string& message) {
  // From yaml-cpp 0.9 on there are two messages for it.
  if (message == YAML::ErrorMsg::END_OF_MAP || message == "unexpected scalar")
    return "text that is not a key of the map around it";
  if (message == YAML::ErrorMsg::END_OF_SEQ)
    return "text that is not an item of the list around it";
  if (message == YAML::ErrorMsg::MAP_VALUE) return "a \":\" where no key can stand";
  if (message == YAML::ErrorMsg::UNKNOWN_TOKEN) return "a character that cannot begin a value";
  if (message == YAML::ErrorMsg::FLOW_END) return "a closing bracket that matches no open one";
  return fmt::format("text that is not YAML ({})", ForMessage(message));
}

// Unclosed brackets are reported at the bracket, not where yaml-cpp gave up.
Place PlaceOfError(const YAML::Exception& error, std::string_view yaml,
                   const TreeBuilder& builder) {
  const bool is_unclosed =
      error.msg == YAML::ErrorMsg::END_OF_SEQ_FLOW || error.msg == YAML::ErrorMsg::END_OF_MAP_FLOW;
  if (is_unclosed) {
    if (const auto open = builder.InnermostOpen()) return *open;
  }
  if (error.mark.is_null()) return {};
  if (IsIndentedByTab(yaml, error.mark)) return {error.mark.line + 1, 1};
  return {error.mark.line + 1, error.mark.column + 1};
}

std::string SyntaxMessage(const YAML::Exception& error, std::string_view yaml) {
  if (dynamic_cast<const YAML::DeepRecursion*>(&error) != nullptr) {
    return fmt::format("found more than {} levels of nesting; expected fewer", kMaxDepth);
  }
  if (error.msg.starts_with(YAML::ErrorMsg::UNKNOWN_ANCHOR)) {  // from 0.8 on with its name
    return "found an alias (*name); expected the value itself";
  }
  if (!error.mark.is_null() && IsIndentedByTab(yaml, error.mark)) {
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
  if (const auto problem = FirstThatIsNotText(yaml)) {
    problems.Add(problem->place, "", problem->message);
    return std::nullopt;
  }
  TreeBuilder builder(yaml, problems);
  std::istringstream stream{std::string(yaml)};
  try {
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const FatalProblem& problem) {
    problems.Add(problem.place, "", problem.message);
    return std::nullopt;
  } catch (const YAML::Exception& error) {
    problems.Add(PlaceOfError(error, yaml, builder), "", SyntaxMessage(error, yaml));
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
  const auto found = std::ranges::find(keys, key, &Key::name);
  return found == keys.end() ? nullptr : &children[static_cast<std::size_t>(found - keys.begin())];
}

Result<YamlNode, std::vector<ConfigProblem>> ParseYaml(
    std::string_view yaml, const std::string& file_name,
    std::vector<ConfigProblem>* readable_around) {
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
    problems.Add({}, "",
                 fmt::format("found {}; expected a regular file of at most 4 MiB", file.error()));
    return problems.Sorted();
  }
  return ParseYaml(file.value().content, path, readable_around);
}

}  // namespace radar_spoof
