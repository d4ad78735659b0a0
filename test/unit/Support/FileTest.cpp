#include "aac/Support/File.h"

#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <filesystem>
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
  void TearDown() override { std::filesystem::remove_all(dir); }
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

TEST_F(FileTest, AtomicFileLeavesNothingWithoutCommit) {
  {
    auto file = AtomicFile::create(dir + "/x");
    ASSERT_TRUE(file.ok());
    ASSERT_EQ(write(file->descriptor(), "half", 4), 4);
  }
  EXPECT_EQ(names().size(), 0u);
  auto file = AtomicFile::create(dir + "/x");
  ASSERT_TRUE(file.ok());
  ASSERT_EQ(write(file->descriptor(), "whole", 5), 5);
  EXPECT_TRUE(file->commit().ok());
  EXPECT_EQ(readFile(dir + "/x").value(), "whole");
  auto failed = AtomicFile::create(dir + "/x");
  ASSERT_TRUE(failed.ok());
  EXPECT_THAT(std::string(failed->commit(ENOSPC).message()), HasSubstr("No space left"));
}

TEST_F(FileTest, WritesThroughNoPlantedLink) {
  ASSERT_TRUE(writeFileAtomically(dir + "/victim", "mine").ok());
  std::string planted = dir + "/x.tmp" + std::to_string(getpid());
  ASSERT_EQ(symlink((dir + "/victim").c_str(), planted.c_str()), 0);
  ASSERT_TRUE(writeFileAtomically(dir + "/x", "new").ok());
  EXPECT_EQ(readFile(dir + "/victim").value(), "mine");
  EXPECT_EQ(readFile(dir + "/x").value(), "new");
}

TEST_F(FileTest, OpenBeneath) {
  std::string model = dir + "/m";
  for (const char *folder : {"/m", "/m/sub", "/m_evil"})
    ASSERT_EQ(mkdir((dir + folder).c_str(), 0777), 0);
  for (const char *file : {"/secret", "/m/w..bin", "/m/..w", "/m/sub/w", "/m/two", "/m_evil/w"})
    ASSERT_TRUE(writeFileAtomically(dir + file, file).ok());
  ASSERT_EQ(symlink("../secret", (model + "/link").c_str()), 0);
  ASSERT_EQ(symlink("sub", (model + "/folder").c_str()), 0);
  ASSERT_EQ(symlink("..", (model + "/up").c_str()), 0);
  ASSERT_EQ(link((model + "/two").c_str(), (model + "/one").c_str()), 0);
  ASSERT_EQ(mkfifo((model + "/pipe").c_str(), 0666), 0);
  int directory = open(model.c_str(), O_RDONLY | O_DIRECTORY);
  ASSERT_GE(directory, 0);
  for (bool byParts : {false, true}) {
    for (const char *good : {"w..bin", "..w", "sub/w"}) {
      auto fd = openBeneath(directory, good, byParts);
      ASSERT_TRUE(fd.ok()) << good << ": " << fd.status().message();
      close(*fd);
    }
    const std::pair<std::string, const char *> bad[] = {
        {"", "relative path"},
        {"/etc/passwd", "relative path"},
        {"..\\secret", "relative path"},
        {std::string("sub\0/w", 6), "relative path"},
        {"../secret", "must not leave"},
        {"sub/../../secret", "must not leave"},
        {"../m_evil/w", "must not leave"},
        {"sub//w", "must not leave"},
        {"./w..bin", "must not leave"},
        {"link", "a symbolic link"},
        {"folder/w", "a symbolic link"},
        {"up/secret", "a symbolic link"},
        {"one", "one name"},
        {"pipe", "one name"},
        {"sub", "one name"},
        {"..w/w", "not a directory"},
        {"none", "No such file"},
        {"\xe2\x80\xa5/secret", "No such file"}, // a character that looks like two dots
    };
    for (const auto &[path, message] : bad) {
      auto fd = openBeneath(directory, path, byParts);
      ASSERT_FALSE(fd.ok()) << path;
      EXPECT_THAT(std::string(fd.status().message()), HasSubstr(message)) << path;
    }
  }
  close(directory);
}

} // namespace
