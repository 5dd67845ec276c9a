// SPDX-License-Identifier: MIT
/* The functions of an ELF file, by their offset in it: .symtab where it was not stripped, .dynsym else. */
#include <dlfcn.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <link.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "measure/symbols_table.h"

/* From an address as the file counts it to the offset in the file; UINT64_MAX if it is in no segment. */
static uint64_t file_offset(Elf *elf, uint64_t address)
{
	size_t n = 0;

	elf_getphdrnum(elf, &n);
	for (size_t i = 0; i < n; i++) {
		GElf_Phdr p;

		if (gelf_getphdr(elf, (int)i, &p) && p.p_type == PT_LOAD && address >= p.p_vaddr &&
		    address < p.p_vaddr + p.p_filesz)
			return address - p.p_vaddr + p.p_offset;
	}
	return UINT64_MAX;
}

static void read_section(struct symbol_table *t, Elf *elf, Elf_Scn *section, const GElf_Shdr *header)
{
	Elf_Data *data = elf_getdata(section, NULL);

	for (size_t i = 0; data && header->sh_entsize && i < header->sh_size / header->sh_entsize; i++) {
		const char *name;
		uint64_t offset;
		GElf_Sym sym;

		if (!gelf_getsym(data, (int)i, &sym) || GELF_ST_TYPE(sym.st_info) != STT_FUNC ||
		    sym.st_shndx == SHN_UNDEF || !sym.st_size)
			continue;
		name = elf_strptr(elf, header->sh_link, sym.st_name);
		offset = file_offset(elf, sym.st_value);
		if (name && name[0] && offset != UINT64_MAX)
			symbol_table_add(t, offset, offset + sym.st_size, name);
	}
}

static void read_type(struct symbol_table *t, Elf *elf, unsigned int type)
{
	Elf_Scn *section = NULL;

	while ((section = elf_nextscn(elf, section))) {
		GElf_Shdr header;

		if (gelf_getshdr(section, &header) && header.sh_type == type)
			read_section(t, elf, section, &header);
	}
}

/* What .eh_frame_hdr says of functions: a table of where each begins, sorted, whatever was stripped. In the
 * form that linkers write on the machines that zcbench runs on. */
struct eh_frame_hdr {
	uint8_t version, frame_encoding, count_encoding, table_encoding;
	int32_t frame;
	uint32_t count;
	struct {
		int32_t begin, fde; /* relative to this header */
	} v[];
};
#define EH_TABLE_ENCODING 0x3b /* DW_EH_PE_datarel | DW_EH_PE_sdata4 */
#define EH_COUNT_ENCODING 0x03 /* DW_EH_PE_udata4 */

struct extent {
	uintptr_t address;    /* in this process */
	uintptr_t begin, end; /* of its function */
	uintptr_t base;       /* where its file is loaded */
	bool found;
};

static int find_extent(struct dl_phdr_info *info, size_t size, void *user)
{
	struct extent *x = user;
	const struct eh_frame_hdr *h = NULL;
	bool here = false;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + p->p_vaddr;

		if (p->p_type == PT_LOAD && x->address >= start && x->address < start + p->p_memsz)
			here = true;
		if (p->p_type == PT_GNU_EH_FRAME)
			h = (const struct eh_frame_hdr *)start;
	}
	if (!here)
		return 0;
	if (!h || h->version != 1 || h->table_encoding != EH_TABLE_ENCODING ||
	    h->count_encoding != EH_COUNT_ENCODING)
		return 1;
	for (uint32_t i = 0; i + 1 < h->count && !x->found; i++) {
		x->begin = (uintptr_t)h + (uintptr_t)(intptr_t)h->v[i].begin;
		x->end = (uintptr_t)h + (uintptr_t)(intptr_t)h->v[i + 1].begin;
		x->found = x->address >= x->begin && x->address < x->end;
	}
	x->base = info->dlpi_addr;
	return 1;
}

static bool same_file(const char *a, const char *b)
{
	struct stat x, y;

	return !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* The variant of memcpy that this CPU uses has no name in a stripped libc. But this process uses it too. */
static void add_libc_copies(struct symbol_table *t, Elf *elf, const char *file)
{
	static const struct {
		const char *name;
		const void *address;
	} copies[] = {{"memcpy", (const void *)memcpy}, {"memmove", (const void *)memmove}};

	for (size_t i = 0; i < sizeof(copies) / sizeof(copies[0]); i++) {
		struct extent x = {.address = (uintptr_t)copies[i].address};
		uint64_t offset;
		Dl_info info;

		if (!dladdr(copies[i].address, &info) || !same_file(info.dli_fname, file))
			continue;
		dl_iterate_phdr(find_extent, &x);
		offset = x.found ? file_offset(elf, x.begin - x.base) : UINT64_MAX;
		if (offset != UINT64_MAX)
			symbol_table_add(t, offset, offset + (x.end - x.begin), copies[i].name);
	}
}

void symbol_table_read_elf(struct symbol_table *t, const char *file)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	Elf *elf;

	if (fd < 0)
		return;
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (elf) {
		read_type(t, elf, SHT_SYMTAB);
		if (!t->n)
			read_type(t, elf, SHT_DYNSYM);
		add_libc_copies(t, elf, file);
		elf_end(elf);
	}
	close(fd);
}
