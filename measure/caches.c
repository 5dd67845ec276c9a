// SPDX-License-Identifier: MIT
/* The caches; see caches.h. Files: Documentation/ABI/testing/sysfs-devices-system-cpu. */
#include <stdio.h>
#include <string.h>

#include "lib/units.h"
#include "measure/caches.h"

#define ASSUMED_LINE 64
#define ASSUMED_L1   ((size_t)32 << 10)
#define ASSUMED_L2   ((size_t)1 << 20)
#define ASSUMED_LLC  ((size_t)32 << 20)

/* The first line of FOLDER/indexN/NAME without its end; false if it cannot be read. */
static bool line_of(const char *folder, int index, const char *name, char *buf, int len)
{
	char path[256];
	FILE *f;
	bool ok;

	snprintf(path, sizeof(path), "%s/index%d/%s", folder, index, name);
	f = fopen(path, "re");
	ok = f && fgets(buf, len, f);
	if (f)
		fclose(f);
	if (ok)
		buf[strcspn(buf, "\n")] = '\0';
	return ok;
}

void caches_read(const char *folder, struct caches *c)
{
	uint64_t size[8] = {0}, line = 0;
	char text[64];

	for (int i = 0; line_of(folder, i, "level", text, sizeof(text)); i++) {
		unsigned int level = (unsigned int)(text[0] - '0');
		uint64_t bytes = 0;

		if (level < 1 || level > 7 || !line_of(folder, i, "type", text, sizeof(text)) ||
		    !strcmp(text, "Instruction"))
			continue;
		if (line_of(folder, i, "size", text, sizeof(text)) && !parse_size(text, &bytes))
			size[level] = bytes;
		if (line_of(folder, i, "coherency_line_size", text, sizeof(text)))
			parse_uint(text, 16, 4096, &line);
	}
	*c = (struct caches){.line = line, .l1 = size[1], .l2 = size[2]};
	for (int level = 7; level > 0 && !c->llc; level--)
		c->llc = size[level];
	c->assumed = !line || !c->l1 || !c->l2;
	if (!c->line)
		c->line = ASSUMED_LINE;
	if (!c->l1)
		c->l1 = ASSUMED_L1;
	if (!c->l2) {
		c->l2 = ASSUMED_L2;
		/* a first level alone is no last level to rely on */
		if (c->llc <= c->l2)
			c->llc = ASSUMED_LLC;
	}
}

void caches_of(int cpu, struct caches *c)
{
	char folder[128];

	snprintf(folder, sizeof(folder), "/sys/devices/system/cpu/cpu%d/cache", cpu);
	caches_read(folder, c);
}
