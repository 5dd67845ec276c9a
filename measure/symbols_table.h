/* SPDX-License-Identifier: MIT */
/* A sorted table of functions; what symbols.c and symbols_elf.c share. */
#ifndef ZC_SYMBOLS_TABLE_H
#define ZC_SYMBOLS_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct symbol {
	uint64_t start, end; /* kernel: addresses; a file's: offsets in it. end 0: up to the next one */
	char *name;
};

struct symbol_table {
	struct symbol *v;
	size_t n, allocated;
};

void symbol_table_add(struct symbol_table *t, uint64_t start, uint64_t end, const char *name);
void symbol_table_sort(struct symbol_table *t);
/* NULL if no function is there. */
const char *symbol_table_find(const struct symbol_table *t, uint64_t address);
void symbol_table_free(struct symbol_table *t);

/* Adds the functions of an ELF file. What cannot be read adds nothing. */
void symbol_table_read_elf(struct symbol_table *t, const char *file);

#endif
