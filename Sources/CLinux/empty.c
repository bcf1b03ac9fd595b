// Header-only: the target exists so that Swift sees the declarations in include/CLinux.h.
