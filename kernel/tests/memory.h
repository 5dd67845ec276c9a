/* SPDX-License-Identifier: MIT */
/* Memory that can be shared, and contents that are recognised. */
#ifndef KT_MEMORY_H
#define KT_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define KIB 1024ul
#define MIB (1024ul * 1024)

enum memory { MEMFD, HUGETLB, UDMABUF, DMAHEAP, MEMORIES };
extern const char *const memory_names[];

/* A descriptor of n bytes (hugetlb: a multiple of 2 MiB), memfds sealed against shrinking; or -1, and it was said
 * why. */
int memory_make(enum memory kind, size_t n);
/* A memfd without a seal. */
int memory_unsealed(size_t n);

/* mmap that ends the program if it fails. */
char *map_shared(int fd, size_t n, off_t offset);
char *map_with(int fd, size_t n, off_t offset, int prot, int flags);

/* Bytes that depend on seed and position. */
void fill(void *p, size_t n, uint64_t seed);
bool filled(const void *p, size_t n, uint64_t seed);

/* Bytes of shared memory that the kernel has in use (Shmem of /proc/meminfo), and free huge pages. */
long shmem_bytes(void);
long huge_pages_free(void);

#endif
