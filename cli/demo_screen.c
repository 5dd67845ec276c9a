// SPDX-License-Identifier: MIT
/* The terminal of zcbench demo, by ncurses; see demo.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#define NCURSES_WIDECHAR 1
#include <curses.h>
#include <term.h>

#include "cli/demo.h"
#include "lib/clock.h"

static struct {
	SCREEN *screen;
	struct termios before;
	char leave[128]; /* what ends the full screen and shows the cursor again */
	int messages, real_stderr;
	struct {
		int32_t rgb;
		short pair;
	} pairs[DEMO_PATHS + 1];
	short npairs;
} s = {.messages = -1, .real_stderr = -1};

/* After a crash: no curses function may be called any more. */
static void on_crash(int sig)
{
	(void)!write(STDOUT_FILENO, s.leave, strlen(s.leave));
	tcsetattr(STDIN_FILENO, TCSANOW, &s.before);
	dup2(s.real_stderr, STDERR_FILENO);
	raise(sig); /* SA_RESETHAND: to its default */
}

static void catch_crashes(void)
{
	const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
	struct sigaction sa = {.sa_handler = on_crash, .sa_flags = (int)(SA_RESETHAND | SA_NODEFER)};

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &sa, NULL);
}

static void remember_leave(void)
{
	const char *names[] = {"sgr0", "cnorm", "rmcup"};
	size_t n = 0;

	s.leave[0] = '\0';
	for (size_t i = 0; i < 3; i++) {
		const char *cap = tigetstr(names[i]);

		if (cap && cap != (const char *)-1 && n + strlen(cap) < sizeof(s.leave))
			n += (size_t)snprintf(s.leave + n, sizeof(s.leave) - n, "%s", cap);
	}
}

/* Warnings of ours and of servers would tear the page: they are kept, and printed at the end. */
static int hold_stderr(void)
{
	s.messages = memfd_create("zcbench-demo-stderr", MFD_CLOEXEC);
	s.real_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	if (s.messages < 0 || s.real_stderr < 0 || fcntl(s.messages, F_SETFL, O_APPEND))
		return -errno;
	return dup2(s.messages, STDERR_FILENO) < 0 ? -errno : 0;
}

static void release_stderr(void)
{
	char buf[4096];
	ssize_t n;

	if (s.real_stderr < 0)
		return;
	fflush(stderr);
	dup2(s.real_stderr, STDERR_FILENO);
	for (off_t at = 0; (n = pread(s.messages, buf, sizeof(buf), at)) > 0; at += n)
		if (write(STDERR_FILENO, buf, (size_t)n) != n)
			break;
	close(s.messages);
	close(s.real_stderr);
	s.messages = s.real_stderr = -1;
}

int screen_open(struct page *p, struct err *e)
{
	int ret, cols, rows;

	if (tcgetattr(STDIN_FILENO, &s.before))
		return err_remedy((err_sys(e, -errno, "standard input"), e),
				  "a terminal, or `zcbench demo | cat` for lines");
	ret = hold_stderr();
	if (ret)
		return err_sys(e, ret, "keeping standard error");
	s.screen = newterm(NULL, stdout, stdin);
	if (!s.screen) {
		release_stderr();
		return err_remedy((err_set(e, -ENOTTY, "this terminal (TERM=%s) cannot be drawn on",
					   getenv("TERM") ? getenv("TERM") : ""),
				   e),
				  "TERM=xterm-256color, or `zcbench demo | cat` for lines");
	}
	remember_leave();
	catch_crashes();
	cbreak();
	noecho();
	curs_set(0);
	keypad(stdscr, TRUE);
	set_escdelay(25);
	nodelay(stdscr, TRUE);
	if (has_colors()) {
		start_color();
		use_default_colors();
	}
	screen_size(&cols, &rows);
	ret = page_resize(p, cols, rows);
	return ret ? err_sys(e, ret, "a page") : 0;
}

void screen_size(int *cols, int *rows)
{
	*cols = COLS;
	*rows = LINES;
}

/* Of the eight old colours: by which channels are strong. */
static short basic_colour(int32_t rgb)
{
	const int r = rgb >> 16 & 0xff, g = rgb >> 8 & 0xff, b = rgb & 0xff;
	const int most = r > g ? (r > b ? r : b) : g > b ? g : b;

	return (short)((r > most * 2 / 3 ? COLOR_RED : 0) | (g > most * 2 / 3 ? COLOR_GREEN : 0) |
		       (b > most * 2 / 3 ? COLOR_BLUE : 0));
}

static short pair_of(int32_t rgb)
{
	if (rgb < 0 || !has_colors())
		return 0;
	for (short i = 0; i < s.npairs; i++)
		if (s.pairs[i].rgb == rgb)
			return s.pairs[i].pair;
	if (s.npairs > DEMO_PATHS)
		return 0;
	s.pairs[s.npairs].rgb = rgb;
	s.pairs[s.npairs].pair = (short)(s.npairs + 1);
	init_pair((short)(s.npairs + 1), COLORS >= 256 ? (short)xterm_colour(rgb) : basic_colour(rgb),
		  -1);
	return s.pairs[s.npairs++].pair;
}

void screen_show(const struct page *p)
{
	for (int y = 0; y < p->rows; y++) {
		for (int x = 0; x < p->cols; x++) {
			const struct glyph *g = &p->cells[y * p->cols + x];
			const wchar_t text[2] = {(wchar_t)g->c, 0};
			attr_t a = (g->style & GLYPH_BOLD ? A_BOLD : 0) |
				   (g->style & GLYPH_DIM ? A_DIM : 0) |
				   (g->style & GLYPH_REVERSE ? A_REVERSE : 0);
			cchar_t c;

			setcchar(&c, text, a, pair_of(g->rgb), NULL);
			mvadd_wch(y, x, &c);
		}
	}
	refresh();
}

int screen_key(uint64_t wait_ns)
{
	struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
	const struct timespec ts = {.tv_sec = (time_t)(wait_ns / NSEC_PER_SEC),
				    .tv_nsec = (long)(wait_ns % NSEC_PER_SEC)};
	int key = getch();

	if (key == ERR && wait_ns && ppoll(&p, 1, &ts, NULL) > 0) {
		key = getch();
		if (key == ERR && (p.revents & (POLLHUP | POLLERR)))
			raise(SIGHUP); /* the terminal is gone */
	}
	return key == KEY_UP ? DEMO_KEY_UP : key == KEY_DOWN ? DEMO_KEY_DOWN : key == ERR ? -1 : key;
}

void screen_close(void)
{
	if (s.screen) {
		endwin();
		delscreen(s.screen);
		s.screen = NULL;
		tcsetattr(STDIN_FILENO, TCSADRAIN, &s.before);
	}
	release_stderr();
}
