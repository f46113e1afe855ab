"""The rooms and their order, as docs/design.md draws them, and where other people's libraries may be used."""
import pathlib
import re
import unittest

SOURCE_DIR = pathlib.Path(__file__).resolve().parent.parent

# A room includes only what stands before it.
ORDER = ["core", "http", "config", "schedule", "fetch", "parse", "expect", "poll", "page", "web", "cli",
         "query", "backfill", "doctor", "exporter"]
# Beside the order: the simulator stands on the server alone, the replay of alerts on what it judges by.
ALONE = {"simulator": {"core", "http"}, "quality": {"core", "parse", "expect", "simulator"}}

# A library's headers, and the only sources (or rooms, with a "/") that may include them.
LIBRARIES = {
    "curl/": {"src/fetch/curl_http_client.cpp", "src/fetch/curl_transfer.h"},
    "openssl/": {"src/fetch/curl_transfer.cpp"},
    "yaml-cpp/": {"src/config/yaml_document.cpp"},
    "rapidjson/": {"include/radar_spoof/core/rapidjson.h"},
    "prometheus/": {"src/page/exposition.cpp", "src/poll/api_metrics.cpp"},
    "spdlog/": {"src/core/log.cpp"},
    "CLI/": {"src/core/flag_parser.cpp"},
    "microhttpd.h": {"src/http/http_daemon.cpp"},
    "gnutls/": {"src/http/tls_endpoint.cpp", "src/web/basic_auth.cpp"},
    "zlib.h": {"src/http/gzip.cpp"},
    "crypt.h": {"src/web/basic_auth.cpp"},
    "fmt/": {"*.cpp"},
}

# What others bring by chance: an older version of a library or compiler, or the files before it where a folder is
# compiled as one. A file has the header itself, or by way of headers of the project.
DECLARED_IN = {
    r"\bstd::u?int\d+_t\b": "cstdint",
    r"\bfmt::join\b": "fmt/ranges.h",
    r"\bstd::(sort|any_of|all_of|none_of|find_if|max|min|clamp|copy|transform)\b": "algorithm",
    r"\bstd::(deque|filesystem|map|optional|set|span|string|thread|variant|vector)\b": r"\1",
    r"\bstd::(atomic|array|chrono|mutex|regex|tuple|future)\b": r"\1",
    r"\bstd::ranges::(sort|any_of|all_of|none_of|find|find_if|count|count_if|max_element)\b": "algorithm",
    r"\bstd::(unique_ptr|shared_ptr|make_unique|make_shared)\b": "memory",
    r"\bstd::function\b": "functional",
    r"\bstd::string_view\b": "string_view",
    r"\bstd::(to_chars|from_chars)\b": "charconv",
    r"\bstd::(sqrt|floor|ceil|isfinite|isnan|pow|log|exp|abs|lround)\b": "cmath",
    r"\bstd::[io]fstream\b": "fstream",
    r"\bstd::[io]?stringstream\b": "sstream",
    r"\bstd::numeric_limits\b": "limits",
    r"\bstd::(accumulate|iota)\b": "numeric",
    r"\berrno\b": "cerrno",
}

# Expected failures are values. These throw for want of memory, at the start, or to end a parse they catch themselves.
THROWING = {
    "include/radar_spoof/core/rapidjson.h", "src/config/yaml_document.cpp", "src/fetch/curl_http_client.cpp",
    "src/fetch/curl_transfer.cpp", "src/http/acceptor.cpp", "src/http/connections.cpp", "src/http/gzip.cpp",
    "src/poll/poller.cpp", "src/poll/saved_state.cpp", "src/web/basic_auth.cpp",
}


def sources():
    for top in ("include", "src", "exporter", "simulator", "quality"):
        for path in sorted((SOURCE_DIR / top).rglob("*")):
            if path.suffix in (".h", ".cpp"):
                yield path.relative_to(SOURCE_DIR)


def room_of(path):
    if path.parts[0] == "include":
        return path.parts[2]
    return path.parts[1] if path.parts[0] == "src" else path.parts[0]


def room_included(path, header):
    """The room of `#include "header"` in `path`."""
    parts = header.split("/")
    if parts[0] == "radar_spoof":
        return parts[1]
    return parts[0] if len(parts) > 1 else room_of(path)


def included(path):
    return re.findall(r'#include ([<"])([^>"]+)[>"]', (SOURCE_DIR / path).read_text())


def brought(path, seen):
    """Adds the headers of libraries that `path` includes, itself or by way of headers of the project, to `seen`."""
    for bracket, header in included(path):
        if header in seen:
            continue
        seen.add(header)
        for folder in [path.parent, *map(pathlib.Path, ("include", "tests", "."))] if bracket == '"' else []:
            if (SOURCE_DIR / folder / header).exists():
                brought(folder / header, seen)
                break
    return seen


class LayoutTest(unittest.TestCase):
    def test_a_room_includes_only_what_stands_before_it(self):
        wrong = []
        for path in sources():
            room = room_of(path)
            allowed = ALONE.get(room) or set(ORDER[:ORDER.index(room)])
            for bracket, header in included(path):
                if bracket == '"' and room_included(path, header) not in allowed | {room}:
                    wrong.append(f"{path}: {header}")
        self.assertEqual(wrong, [])

    def test_a_header_in_include_is_used_by_another_room(self):
        needed = {f"include/{header}": set() for path in sources() for _, header in included(path)}
        for path in sources():
            for _, header in included(path):
                needed[f"include/{header}"].add(path)

        def crosses(header):
            return any(room_of(user) != room_of(header) or
                       (user.parts[0] == "include" and user != header and crosses(user))
                       for user in needed.get(str(header), ()))

        headers = [path for path in sources() if path.parts[0] == "include"]
        self.assertGreater(len(headers), 30)
        self.assertEqual([str(header) for header in headers if not crosses(header)], [])

    def test_a_library_is_included_where_the_list_says(self):
        seen = {library: set() for library in LIBRARIES}
        wrong = []
        for path in sources():
            for bracket, header in included(path):
                library = next((each for each in LIBRARIES if header.startswith(each)), None)
                if bracket != "<" or library is None:
                    continue
                seen[library].add(str(path))
                if not any(path.match(allowed) for allowed in LIBRARIES[library]):
                    wrong.append(f"{path}: {header}")
        self.assertEqual(wrong, [])
        unused = [f"{library}: {allowed}" for library in LIBRARIES for allowed in LIBRARIES[library]
                  if "*" not in allowed and allowed not in seen[library]]
        self.assertEqual(unused, [], "listed, but no longer included there")

    def test_a_header_of_no_listed_library_is_the_systems(self):
        system = re.compile(r"[a-z_0-9]+(\.h)?$|(arpa|linux|net|netinet|sys)/\w+\.h$")
        self.assertEqual([f"{path}: {header}" for path in sources() for bracket, header in included(path)
                          if bracket == "<" and not header.startswith(tuple(LIBRARIES)) and
                          not system.match(header)], [])

    def test_a_name_is_used_with_the_header_that_declares_it(self):
        tests = [path.relative_to(SOURCE_DIR) for top in ("tests", "bench")
                 for path in sorted((SOURCE_DIR / top).rglob("*")) if path.suffix in (".h", ".cpp")]
        lacking = set()
        for path in [*sources(), *tests]:
            text = re.sub(r"//.*", "", (SOURCE_DIR / path).read_text())
            headers = brought(path, set())
            for name, header in DECLARED_IN.items():
                used = {use.expand(header) for use in re.finditer(name, text)}
                lacking |= {f"{path}: {each}" for each in used - headers}
        self.assertEqual(sorted(lacking), [])

    def test_a_function_in_a_header_is_inline(self):
        """Else two files that include it cannot be linked, unless they are compiled as one."""
        function = re.compile(r"(?<!>\n)^(?!inline|constexpr|constinit|namespace|class|struct|enum|union|template|extern)"
                              r"\w[\w:<>,&*\[\] ]* \w+\([^;{}]*\)[^;{}]*\{", re.M)
        headers = [path for top in ("include", "src", "exporter", "simulator", "quality", "tests", "bench")
                   for path in sorted((SOURCE_DIR / top).rglob("*.h"))]
        self.assertGreater(len(headers), 100)
        self.assertEqual([f"{path.relative_to(SOURCE_DIR)}: {found}" for path in headers
                          for found in function.findall(path.read_text())], [])

    def test_a_unit_test_has_one_thread(self):
        """ThreadSanitizer never sees one."""
        lists = re.findall(r"^radar_spoof_tests\([^)]*?\bUNIT\b([^)]*?)(?:COMPONENT|SUPPORT|LIBRARIES|\))",
                           (SOURCE_DIR / "tests/CMakeLists.txt").read_text(), re.M)
        units = [name for each in lists for name in re.findall(r"\w+/\w+", each)]
        self.assertGreater(len(units), 40)
        self.assertEqual([name for name in units if re.search(
            r"\bstd::(j?thread|async)\b", (SOURCE_DIR / f"tests/{name}_test.cpp").read_text())], [])

    def test_only_these_throw(self):
        self.assertEqual({str(path) for path in sources() if path.parts[0] != "simulator" and
                          re.search(r"^[^/]*\bthrow\b", (SOURCE_DIR / path).read_text(), re.M)}, THROWING)

    def test_the_design_names_every_room_and_every_lock(self):
        design = (SOURCE_DIR / "docs/design.md").read_text()
        rooms = re.findall(r"^\| (\w+) \|", design.split("| room |")[1].split("\n\n")[0], re.M)
        self.assertEqual(rooms, ORDER)
        locks = {f"{room_of(path)}/{path.stem}" for path in sources() if path.parts[0] in ("include", "src") and
                 re.search(r"\bstd::(mutex|thread)\b", (SOURCE_DIR / path).read_text())}
        self.assertGreater(len(locks), 5)
        self.assertEqual([lock for lock in sorted(locks) if f"`{lock}`" not in design], [])


if __name__ == "__main__":
    unittest.main()
