// The main of every test executable, and how its cases become tests of ctest: --reporters=ctest
// --list-test-cases prints the commands for them, for tests/CMakeLists.txt.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <ostream>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

namespace {

// "MODULE: CASE" where MODULE_test.cpp has the case. The variable MODULE_label is its label.
class CtestReporter final : public doctest::IReporter {
 public:
  explicit CtestReporter(const doctest::ContextOptions& options) : out_(*options.cout) {}

  void report_query(const doctest::QueryData& query) override {
    for (unsigned i = 0; i < query.num_data; ++i) {
      std::string_view module = query.data[i]->m_file.c_str();
      module.remove_prefix(module.rfind('/') + 1);
      module.remove_suffix(std::string_view("_test.cpp").size());
      std::string filter;  // in which a comma ends a name
      for (const char* c = query.data[i]->m_name; *c != '\0'; ++c) {
        if (*c == ',') filter += '\\';
        filter += *c;
      }
      out_ << "add_test([==[" << module << ": " << query.data[i]->m_name << "]==] ${executable} "
           << "[==[--test-case=" << filter << "]==] --source-file=*/" << module << "_test.cpp)\n"
           << "set_tests_properties([==[" << module << ": " << query.data[i]->m_name
           << "]==] PROPERTIES LABELS ${" << module << "_label})\n";
    }
  }

  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats&) override {}
  void test_case_start(const doctest::TestCaseData&) override {}
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_end(const doctest::CurrentTestCaseStats&) override {}
  void test_case_exception(const doctest::TestCaseException&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData&) override {}
  void log_message(const doctest::MessageData&) override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}

 private:
  std::ostream& out_;
};

DOCTEST_REGISTER_REPORTER("ctest", 0, CtestReporter);

}  // namespace
