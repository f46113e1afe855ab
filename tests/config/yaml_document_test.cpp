#include "radar_spoof/config/yaml_document.h"

#include <ctime>
#include <fstream>
#include <string>

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/temporary_directory.h"

namespace radar_spoof {
namespace {

using Kind = YamlNode::Kind;

YamlNode ParsedYaml(std::string_view yaml) {
  auto root = ParseYaml(yaml, "f");
  if (root) return std::move(root).value();
  FAIL_CHECK(root.error().front().Text());
  return {};
}

std::string FirstProblem(std::string_view yaml) {
  const auto root = ParseYaml(yaml, "f");
  return root ? "none" : root.error().front().Text();
}

TEST_CASE("a document becomes a tree in which every node knows its place") {
  const YamlNode root = ParsedYaml("# note\na: 1\nb:\n  - x\n  - {c: 'y'}\nd:\n");
  CHECK(root.kind == Kind::kMap);
  REQUIRE(root.keys.size() == 3);
  CHECK(root.keys[1].name == "b");
  CHECK(root.keys[1].place.line == 3);
  CHECK(root.keys[1].place.column == 1);
  CHECK(root.Find("a")->text == "1");
  CHECK(root.Find("a")->place.line == 2);
  CHECK(root.Find("a")->place.column == 4);
  CHECK_FALSE(root.Find("a")->quoted);
  const YamlNode& list = *root.Find("b");
  REQUIRE(list.children.size() == 2);
  CHECK(list.kind == Kind::kSequence);
  CHECK(list.children[1].Find("c")->text == "y");
  CHECK(list.children[1].Find("c")->place.line == 5);
  CHECK(list.children[1].Find("c")->quoted);
  CHECK(root.Find("nope") == nullptr);
}

TEST_CASE("a key without a value is null, in the place of the key") {
  const YamlNode root = ParsedYaml("a:\nb:\n  c: ~\n");
  CHECK(root.Find("a")->kind == Kind::kNull);
  CHECK(root.Find("a")->place.line == 1);
  CHECK(root.Find("a")->place.column == 1);
  CHECK(root.Find("b")->Find("c")->place.line == 3);
  CHECK(root.Find("b")->Find("c")->place.column == 3);
}

TEST_CASE("quoting is told from plain text, in every style of it") {
  const YamlNode root =
      ParsedYaml("a: 5\nb: \"5\"\nc: '5'\nd: |\n  5\ne: 'it''s \"so\"'\nf: \"\\\"\"\n");
  CHECK_FALSE(root.Find("a")->quoted);
  CHECK(root.Find("b")->quoted);
  CHECK(root.Find("c")->quoted);
  CHECK(root.Find("d")->quoted);
  CHECK(root.Find("e")->text == "it's \"so\"");
  CHECK(root.Find("f")->text == "\"");
}

TEST_CASE("a byte order mark and CR LF line ends are no part of the text") {
  const YamlNode root = ParsedYaml(
      "\xEF\xBB\xBF"
      "a: 1\r\nb: two\r\n");
  CHECK(root.keys[0].name == "a");
  CHECK(root.keys[0].place.column == 1);
  CHECK(root.Find("b")->text == "two");
}

TEST_CASE("what can be read around is given beside the tree when the caller asks for it") {
  std::vector<ConfigProblem> around;
  const auto root = ParseYaml("a: 1\na: 2\nb: &x 3\nc: *x\n? [k]\n: 4\n<<: 5\n", "f", &around);
  REQUIRE(root);
  CHECK(root.value().Find("a")->text == "1");
  CHECK(root.value().Find("b")->text == "3");
  CHECK(root.value().Find("c")->kind == Kind::kNull);
  CHECK(root.value().keys.size() == 3);
  REQUIRE(around.size() == 5);
  CHECK(around[0].Text() ==
        "f:2:1: a: found this key again, first on line 1; expected each key once");
  CHECK(around[4].Text() == "f:7:1: found a merge key (<<); expected the keys themselves");
}

TEST_CASE("without being asked, anything refused fails the document") {
  CHECK(FirstProblem("a: 1\na: 2\n") ==
        "f:2:1: a: found this key again, first on line 1; expected each key once");
  CHECK(FirstProblem("a: &x 1\n") == "f:1:4: a: found an anchor (&name); expected the value alone");
  CHECK(FirstProblem("[1, !!int 2]\n") ==
        "f:1:5: [1]: found a tag (!name); expected the value alone");
}

TEST_CASE("a file over 4 MiB is refused unread, one of 4 MiB is not") {
  const std::string largest = "a: 1\n#" + std::string((4U << 20) - 6, 'x');
  CHECK(ParsedYaml(largest).Find("a")->text == "1");
  CHECK(FirstProblem(largest + "x") ==
        "f: found a file of more than 4 MiB; expected a regular file of at most 4 MiB");
}

TEST_CASE("the number of values is limited") {
  std::string list = "[";
  for (int i = 0; i < 249'999; ++i) list += "1,";
  CHECK(ParsedYaml(list + "]").children.size() == 249'999);
  CHECK(FirstProblem(list + "1]").find("found more than 250000 values") != std::string::npos);
}

TEST_CASE("nesting is limited to 32 levels, however deep it goes") {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  CHECK(ParsedYaml(nested(32)).kind == Kind::kSequence);
  for (const std::size_t depth : {33U, 500U, 5'000U, 500'000U}) {
    CAPTURE(depth);
    CHECK(FirstProblem(nested(depth)).find("found more than 32 levels of nesting") !=
          std::string::npos);
  }
  std::string blocks;
  for (int i = 0; i < 1'400; ++i) blocks += std::string(static_cast<std::size_t>(i), ' ') + "a:\n";
  CHECK(FirstProblem(blocks).find("found more than 32 levels of nesting") != std::string::npos);
}

TEST_CASE("a file at the size limit is read or refused within seconds, whatever is in it") {
  std::string keys;
  for (int i = 0; keys.size() < 4'000'000; ++i) keys += "k" + std::to_string(i) + ": 1\n";
  std::string anchors;
  for (int i = 0; anchors.size() < 4'000'000; ++i) anchors += "- &a" + std::to_string(i) + " 1\n";
  const std::string long_line(4'000'000, 'x');
  std::string one_line = "{";
  for (int i = 0; one_line.size() < 4'000'000; ++i) one_line += "k" + std::to_string(i) + ": 1, ";
  for (const std::string& yaml : {keys, anchors, long_line, one_line}) {
    CAPTURE(yaml.substr(0, 20));
    const std::clock_t start = std::clock();  // of this process, however busy the machine is
    static_cast<void>(ParseYaml(yaml, "f").ok());
    CHECK(std::clock() - start < 10 * CLOCKS_PER_SEC);
  }
}

TEST_CASE("what is opened and never closed is told where it was opened") {
  CHECK(FirstProblem("a: [1, 2\n") == "f:1:4: unclosed \"[\"; expected a closing \"]\"");
  CHECK(FirstProblem("a: {b: 1\n") == "f:1:4: unclosed \"{\"; expected a closing \"}\"");
  CHECK(FirstProblem("a: 'it''s\nb: 1\n") == "f:1:4: unclosed quote; expected a closing quote");
}

TEST_CASE("only UTF-8 is text, in its shortest form and without surrogates") {
  CHECK(FirstProblem("a: \"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\"\n") == "none");
  for (const char* bytes : {"\x80", "\xC3", "\xC0\xAF", "\xE0\x80\xAF", "\xED\xA0\x80",
                            "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xE2\x82", "\xFF"}) {
    CAPTURE(bytes);
    CHECK(FirstProblem(std::string("a: 1\nb: ") + bytes + "\n").find("f:2:4: found the byte") == 0);
  }
}

TEST_CASE("only a regular file that can be read is read") {
  const test::TemporaryDirectory scratch;
  const auto problem = [](const std::string& path) {
    const auto root = ReadYamlFile(path);
    return root ? std::string("none") : root.error().front().message;
  };
  const std::string expected = "; expected a regular file of at most 4 MiB";
  CHECK(problem(scratch.Path("missing.yaml")) == "found no such file" + expected);
  CHECK(problem(scratch.Path(".")) == "found a directory" + expected);
  CHECK(problem("/dev/zero") == "found something that is not a regular file" + expected);

  const std::string fifo = scratch.Path("fifo");
  REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
  CHECK(problem(fifo) == "found something that is not a regular file" + expected);

  std::ofstream(scratch.Path("large.yaml")) << std::string((4U << 20) + 1, '#');
  CHECK(problem(scratch.Path("large.yaml")) == "found a file of more than 4 MiB" + expected);

  std::ofstream(scratch.Path("good.yaml")) << "a: 1\n";
  CHECK(problem(scratch.Path("good.yaml")) == "none");

  std::ofstream(scratch.Path("secret.yaml")) << "a: 1\n";
  REQUIRE(chmod(scratch.Path("secret.yaml").c_str(), 0) == 0);
  if (geteuid() != 0) {
    CHECK(problem(scratch.Path("secret.yaml")) ==
          "found a file that this user may not read" + expected);
  }
}

TEST_CASE("a problem without a place or key leaves them out of its text") {
  CHECK(ConfigProblem{"f", 0, 0, "", "m"}.Text() == "f: m");
  CHECK(ConfigProblem{"f", 2, 3, "", "m"}.Text() == "f:2:3: m");
  CHECK(ConfigProblem{"f", 2, 3, "a.b", "m"}.Text() == "f:2:3: a.b: m");
}

}  // namespace
}  // namespace radar_spoof
