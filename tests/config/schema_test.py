"""config.schema.json, by which editors check a configuration, says what the exporter says: of the
example, and of each file in the tables of good and bad ones."""

import json
import pathlib
import re
import unittest

import jsonschema
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "config.schema.json").read_text())
TABLES = ROOT / "tests" / "data" / "config"

# Files that are refused for what a schema cannot know. A schema that learns one of them, or a file
# that is gone, fails the test, so that this list stays true.
BEYOND_A_SCHEMA = {
    # How it is written: anchors, keys that stand twice, leading zeros.
    "anchor_and_alias", "duplicate_key", "duplicate_key_in_flow_map", "duplicate_section",
    "integer_octal",
    # How much a text means.
    "base_url_09", "duration_out_of_range", "duration_overflow",
    # What looks like a credential.
    "key_as_file_name", "token_as_variable_name",
    # What is only wrong beside something else.
    "budget", "budget_of_one_interval", "budget_of_shared_requests", "matrix_and_filters_overlap",
    "name_too_long_after_expansion", "names_twice", "names_twice_through_a_matrix",
    "questions_twice", "questions_twice_in_days_and_weeks", "questions_twice_through_a_matrix",
}


class Loader(yaml.SafeLoader):
    """YAML 1.2's core schema, as editors read it: yes and on are text, 010 is ten."""


Loader.yaml_implicit_resolvers = {}
for tag, pattern, first in (
        ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
        ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
        ("int", r"[-+]?[0-9]+", "-+0123456789"),
        ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+0123456789.")):
    Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"^(?:{pattern})$"), first)
Loader.add_constructor("tag:yaml.org,2002:int",
                       lambda loader, node: int(loader.construct_scalar(node)))


def table(name):
    text = (TABLES / name).read_text()
    for case in re.split(r"^-- (?=.* --$)", text, flags=re.M)[1:]:
        name, _, rest = case.partition(" --\n")
        yield name, rest.partition("=>\n")[0]


def complaint(text):
    """What the schema says is wrong, or None. A file that is no YAML is the editor's own to refuse."""
    try:
        document = yaml.load(text, Loader)
    except yaml.YAMLError as error:
        return str(error)
    return next((error.message for error in
                 jsonschema.Draft7Validator(SCHEMA).iter_errors(document)), None)


def properties_around(path):
    """Those of the map in which the key "queries[0].filters.spf" stands."""
    def followed(node):
        return SCHEMA["definitions"][node["$ref"].removeprefix("#/definitions/")] if "$ref" in node else node

    node = SCHEMA
    for part in re.findall(r"\w+", path)[:-1]:
        node = followed(node["items"] if part.isdigit() else node["properties"][part])
    return node["properties"]


class SchemaTest(unittest.TestCase):
    def test_it_is_a_schema(self):
        jsonschema.Draft7Validator.check_schema(SCHEMA)

    def test_the_example_is_good_and_has_the_defaults_that_the_schema_names(self):
        text = (ROOT / "config.example.yaml").read_text()
        self.assertIsNone(complaint(text))
        example = yaml.load(text, Loader)
        definitions = SCHEMA["definitions"]
        for section in ("api", "polling", "defaults"):
            for key, stated in definitions[section]["properties"].items():
                default = stated.get("default", definitions.get(key, {}).get("default"))
                if default is not None:
                    with self.subTest(key=f"{section}.{key}"):
                        self.assertEqual(example[section][key], default)

    def test_what_is_good_is_good(self):
        for name, text in table("good.txtar"):
            with self.subTest(name):
                self.assertIsNone(complaint(text))

    def test_what_is_bad_is_bad_unless_it_is_beyond_a_schema(self):
        accepted = {name for name, text in table("bad.txtar") if complaint(text) is None}
        self.assertEqual(accepted, BEYOND_A_SCHEMA)

    def test_it_has_the_keys_that_the_exporter_has(self):
        """As its messages list them."""
        listed = set(re.findall(r"^config.yaml:\S+ (\S+): found an unknown (?:key|dimension); expected one of ([\w, ]+)",
                                (TABLES / "bad.txtar").read_text(), re.M))
        self.assertGreater(len(listed), 10)
        for path, keys in listed:
            with self.subTest(path):
                self.assertEqual(set(properties_around(path)), set(keys.split(", ")))


if __name__ == "__main__":
    unittest.main()
