#include "aac/Support/File.h"

#include <dirent.h>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace aac;
using testing::HasSubstr;

namespace {

class FileTest : public testing::Test {
protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "aac-file-XXXXXX";
    ASSERT_NE(mkdtemp(&pattern[0]), nullptr);
    dir = pattern;
  }
  void TearDown() override {
    for (const std::string &name : names())
      unlink((dir + "/" + name).c_str());
    rmdir(dir.c_str());
  }
  std::vector<std::string> names() {
    std::vector<std::string> result;
    DIR *handle = opendir(dir.c_str());
    while (dirent *entry = readdir(handle))
      if (entry->d_name[0] != '.')
        result.push_back(entry->d_name);
    closedir(handle);
    return result;
  }
  std::string dir;
};

TEST_F(FileTest, WritesReadsAndReplaces) {
  std::string path = dir + "/x";
  std::string bytes("a\0b\n", 4);
  ASSERT_TRUE(writeFileAtomically(path, bytes).ok());
  EXPECT_EQ(readFile(path).value(), bytes);
  ASSERT_EQ(chmod(path.c_str(), 0640), 0);
  std::string large(3 << 20, 'z');
  ASSERT_TRUE(writeFileAtomically(path, large).ok());
  EXPECT_EQ(readFile(path).value(), large);
  struct stat info;
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0640u);
  EXPECT_EQ(names().size(), 1u); // no temporary file is left
}

TEST_F(FileTest, EmptyFile) {
  ASSERT_TRUE(writeFileAtomically(dir + "/x", "").ok());
  EXPECT_EQ(readFile(dir + "/x").value(), "");
}

TEST_F(FileTest, KeepsLinks) {
  ASSERT_TRUE(writeFileAtomically(dir + "/x", "old").ok());
  ASSERT_EQ(symlink((dir + "/x").c_str(), (dir + "/link").c_str()), 0);
  ASSERT_TRUE(writeFileAtomically(dir + "/link", "new").ok());
  EXPECT_EQ(readFile(dir + "/x").value(), "new");
}

TEST_F(FileTest, Devices) {
  EXPECT_TRUE(writeFileAtomically("/dev/null", "x").ok());
  EXPECT_EQ(readFile("/dev/null").value(), "");
  EXPECT_FALSE(writeFileAtomically("/dev/full", "x").ok());
}

TEST_F(FileTest, Errors) {
  auto missing = readFile(dir + "/none");
  EXPECT_TRUE(absl::IsNotFound(missing.status()));
  EXPECT_THAT(std::string(missing.status().message()),
              HasSubstr("cannot open '" + dir + "/none': No such file"));
  EXPECT_THAT(std::string(readFile(dir).status().message()), HasSubstr("it is a directory"));
  EXPECT_THAT(std::string(writeFileAtomically(dir, "x").message()), HasSubstr("it is a directory"));
  EXPECT_THAT(std::string(writeFileAtomically(dir + "/no/x", "x").message()),
              HasSubstr("cannot create a file beside '" + dir + "/no/x'"));
}

} // namespace
