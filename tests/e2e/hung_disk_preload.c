// Preloaded into a program, makes fsync() hang, as on a file system whose server is gone.
#include <unistd.h>

int fsync(int descriptor) {
  (void)descriptor;
  for (;;) pause();
}
