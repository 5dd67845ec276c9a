// SPDX-License-Identifier: MIT
/* One run of a guest; see guest.h. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/guest.h"
#include "lib/units.h"

#define PANIC_GRACE_NS (5 * NSEC_PER_SEC) /* for the trace behind the first line of a panic */

/* A stream up to its token. */
struct stream {
	char held[GUEST_TOKEN]; /* its last bytes, if the token may begin with them */
	size_t nheld;
	bool ended;
};

struct watch {
	struct guest *g;
	const struct guest_config *c;
	struct machine m;
	struct stream stream[PORT_CONTROL]; /* of out, err, files */
	char control[256], line[256];       /* the beginnings of lines: control port, console */
	size_t ncontrol, nline;
	char said[1024]; /* by QEMU itself */
	size_t nsaid;
	char input[4096]; /* typed, not yet taken by the guest */
	size_t ninput;
	char panic[200], reason[200]; /* what the kernel, or the guest's init, gave as the reason */
	bool exited;                  /* the guest told its exit status */
	bool gone;                    /* the machine has ended */
	bool stdin_open;
	int signals;
	uint64_t start, quiet, panic_at; /* ns */
	struct err file_error;
};

/* A reader that rests must not keep us from seeing a signal. */
static int write_all(const struct watch *w, int fd, const char *data, size_t len)
{
	while (len) {
		struct pollfd p[] = {{fd, POLLOUT, 0}, {w->signals, POLLIN, 0}};
		ssize_t n;

		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return -errno;
		if (p[1].revents)
			return -EINTR;
		n = p[0].revents ? write(fd, data, len < PIPE_BUF ? len : PIPE_BUF) : 0;
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return -errno;
		if (n < 0)
			continue;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/* To where a stream leads. An error with the files does not stop the guest: its output is worth having. */
static int deliver(struct watch *w, int port, const char *data, size_t len, struct err *e)
{
	int ret;

	if (port == PORT_FILES) {
		if (!w->file_error.code)
			unpack_feed(&w->g->files, data, len, &w->file_error);
		return 0;
	}
	ret = write_all(w, port == PORT_OUT ? 1 : 2, data, len);
	return ret && ret != -EINTR ? err_sys(e, ret, "writing the guest's %s",
					      port == PORT_OUT ? "output" : "messages")
				    : 0;
}

/* How many of the last bytes may be the beginning of the token. */
static size_t may_begin(const char *data, size_t len, const char *token)
{
	size_t n = strlen(token) - 1;

	for (n = n < len ? n : len; n; n--)
		if (!memcmp(data + len - n, token, n))
			break;
	return n;
}

static int take_stream(struct watch *w, int port, const char *data, size_t len, struct err *e)
{
	struct stream *s = &w->stream[port];
	char buf[GUEST_TOKEN + 65536];
	const char *found;
	size_t hold = 0;

	if (s->ended)
		return 0;
	memcpy(buf, s->held, s->nheld);
	memcpy(buf + s->nheld, data, len);
	len += s->nheld;
	found = memmem(buf, len, w->c->token, strlen(w->c->token));
	if (found) {
		s->ended = true;
		len = (size_t)(found - buf);
	} else {
		hold = may_begin(buf, len, w->c->token);
		len -= hold;
	}
	memcpy(s->held, buf + len, hold);
	s->nheld = hold;
	return deliver(w, port, buf, len, e);
}

static void take_control_line(struct watch *w)
{
	static const char *const speed[] = {
		[MACHINE_KVM] = " (KVM)",
		[MACHINE_TCG] = " (TCG: its timings are not a machine's)",
		[MACHINE_UML] = " (UML: system calls and page faults cost more than a machine's)",
	};

	if (!strncmp(w->control, "ready ", 6)) {
		char time[32];

		snprintf(w->g->release, sizeof(w->g->release), "%.90s", w->control + 6);
		fprintf(stderr, "zcbench: guest with Linux %s on %u CPUs, up after %s%s\n",
			w->g->release, w->c->machine.cpus,
			format_time(time, sizeof(time), (double)(clock_ns() - w->start)),
			speed[w->c->machine.kind]);
	} else if (!strncmp(w->control, "exit ", 5)) {
		w->g->status = atoi(w->control + 5);
		w->exited = true;
	}
}

static void take_control(struct watch *w, const char *data, size_t len)
{
	for (; len; data++, len--) {
		if (*data != '\n') {
			if (w->ncontrol < sizeof(w->control) - 1)
				w->control[w->ncontrol++] = *data;
			continue;
		}
		w->control[w->ncontrol] = '\0';
		w->ncontrol = 0;
		take_control_line(w);
	}
}

/* What a kernel says when something is wrong with it. */
static bool is_complaint(const char *line)
{
	static const char *const words[] = {
		"WARNING: ",
		"BUG: ",
		"kernel BUG at",
		"Oops: ",
		"rcu: INFO: ",
		"INFO: task ",
		"general protection fault",
		"Call Trace:",
		"Out of memory: ",
		"UBSAN: ",
		"ODEBUG: ",
		"INFO: trying to register",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(line, words[i]))
			return true;
	return false;
}

static void take_console_line(struct watch *w)
{
	static const char ours[] = "zcbench-init: ", panic[] = "Kernel panic - not syncing: ";
	const char *p;

	w->line[w->nline] = '\0';
	w->nline = 0;
	p = strstr(w->line, ours);
	if (p)
		snprintf(w->reason, sizeof(w->reason), "%.190s", p + strlen(ours));
	p = strstr(w->line, panic);
	if (p && !w->panic[0]) {
		snprintf(w->panic, sizeof(w->panic), "%.190s", p + strlen(panic));
		w->panic_at = clock_ns();
	}
	if (is_complaint(w->line) && !w->g->complaints++)
		snprintf(w->g->complaint, sizeof(w->g->complaint), "%.190s", w->line);
}

static void take_console(struct watch *w, const char *data, size_t len)
{
	struct guest *g = w->g;

	if (w->c->console_file) {
		fwrite(data, 1, len, w->c->console_file);
		fflush(w->c->console_file); /* for tail -f */
	}
	for (size_t i = 0; i < len; i++) {
		char ch = data[i];

		if (ch == '\n')
			take_console_line(w);
		else if (ch != '\r' && w->nline < sizeof(w->line) - 1)
			w->line[w->nline++] = ch;
		if ((ch < ' ' && ch != '\n' && ch != '\t') || ch == 0x7f)
			continue;
		if (g->tail_len == sizeof(g->tail)) {
			g->tail_len /= 2;
			memmove(g->tail, g->tail + sizeof(g->tail) - g->tail_len, g->tail_len);
		}
		g->tail[g->tail_len++] = ch;
	}
}

void guest_print_console(const struct guest *g, FILE *f, int lines)
{
	const char *end = g->tail + g->tail_len, *p = end;

	while (p > g->tail && (p[-1] != '\n' || p == end || lines-- > 1))
		p--;
	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		int n = (int)((nl ? nl : end) - p);

		fprintf(f, "  | %.*s\n", n, p);
		p += n + 1;
	}
}

/* Reads once from a channel. Returns whether there was something; closes it at its end. */
static bool take(struct watch *w, int *fd, void (*use)(struct watch *, const char *, size_t))
{
	char buf[65536];
	ssize_t n = read(*fd, buf, sizeof(buf));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return false;
	if (n <= 0) {
		close(*fd);
		*fd = -1;
		return false;
	}
	use(w, buf, (size_t)n);
	return true;
}

static void take_said(struct watch *w, const char *data, size_t len)
{
	if (len > sizeof(w->said) - 1 - w->nsaid)
		len = sizeof(w->said) - 1 - w->nsaid;
	memcpy(w->said + w->nsaid, data, len);
	w->nsaid += len;
	w->said[w->nsaid] = '\0';
}

static void take_tty(struct watch *w, const char *data, size_t len)
{
	write_all(w, 1, data, len);
}

/* From our standard input towards the guest's terminal; its end is typed as ^D. */
static void take_input(struct watch *w)
{
	ssize_t n = read(0, w->input, sizeof(w->input));

	if (n <= 0) {
		w->stdin_open = false;
		w->input[0] = 4;
		n = 1;
	}
	w->ninput = (size_t)n;
}

static void pass_input(struct watch *w)
{
	ssize_t n = send(w->m.tty, w->input, w->ninput, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n > 0) {
		w->ninput -= (size_t)n;
		memmove(w->input, w->input + n, w->ninput);
	}
}

/* -EINTR if there was one. It is read: pending, it would kill us when it is no longer blocked. */
static int take_signal(const struct watch *w, struct err *e)
{
	struct signalfd_siginfo s;

	if (read(w->signals, &s, sizeof(s)) != sizeof(s))
		return 0;
	return err_set(e, -EINTR, "interrupted by a signal (%s); the guest was ended",
		       strsignal((int)s.ssi_signo));
}

enum { P_CONSOLE = MACHINE_PORTS, P_TTY, P_SAID, P_END, P_SIGNAL, P_STDIN, NPOLL };

/* Waits for a second at most, and takes what came. -EINTR after a signal. */
static int pump(struct watch *w, struct err *e)
{
	const bool type = w->m.tty >= 0 && w->stdin_open && !w->ninput && w->g->release[0];
	struct pollfd p[NPOLL] = {
		[P_CONSOLE] = {w->m.console, POLLIN, 0},
		[P_TTY] = {w->m.tty, POLLIN, 0},
		[P_SAID] = {w->m.said, POLLIN, 0},
		[P_END] = {w->gone ? -1 : w->m.pidfd, POLLIN, 0},
		[P_SIGNAL] = {w->signals, POLLIN, 0},
		[P_STDIN] = {type ? 0 : -1, POLLIN, 0},
	};
	uint64_t before = clock_ns();
	bool life = false;
	int ret = 0;

	for (int i = 0; i < MACHINE_PORTS; i++)
		p[i] = (struct pollfd){w->m.port[i], POLLIN, 0};
	if (w->ninput && w->m.tty >= 0)
		p[P_TTY].events |= POLLOUT;
	if (poll(p, NPOLL, 1000) < 0)
		return errno == EINTR ? 0 : err_sys(e, -errno, "waiting for the guest");
	w->quiet +=
		clock_ns() - before; /* only waiting counts: whoever reads our output may take a rest */
	if (p[P_CONSOLE].revents)
		life |= take(w, &w->m.console, take_console);
	for (int i = 0; i < PORT_CONTROL && !ret; i++) {
		char buf[65536];
		ssize_t n = p[i].revents ? read(w->m.port[i], buf, sizeof(buf)) : 0;

		if (n > 0) {
			life = true;
			ret = take_stream(w, i, buf, (size_t)n, e);
		} else if (p[i].revents) {
			close(w->m.port[i]);
			w->m.port[i] = -1;
		}
	}
	if (p[PORT_CONTROL].revents)
		life |= take(w, &w->m.port[PORT_CONTROL], take_control);
	if (p[P_TTY].revents & ~POLLOUT)
		life |= take(w, &w->m.tty, take_tty);
	if (p[P_TTY].revents & POLLOUT && w->m.tty >= 0)
		pass_input(w);
	if (p[P_SAID].revents)
		take(w, &w->m.said, take_said);
	if (p[P_STDIN].revents)
		take_input(w);
	/* what it wrote before its end is read first */
	w->gone |= p[P_END].revents && !life;
	w->g->spoke |= life;
	if (life)
		w->quiet = 0;
	return ret ? ret : take_signal(w, e);
}

static bool has_all(const struct watch *w)
{
	return w->exited && w->stream[PORT_OUT].ended && w->stream[PORT_ERR].ended &&
	       w->stream[PORT_FILES].ended;
}

static int ended_early(struct watch *w, struct err *e)
{
	if (w->panic[0] && strstr(w->panic, "ut of memory"))
		return err_remedy((err_set(e, -EIO, "the guest ran out of memory: %s", w->panic), e),
				  "--mem with more than %lluM",
				  (unsigned long long)(w->c->machine.mem >> 20));
	if (w->panic[0])
		return err_set(e, -EIO, "the guest's kernel panicked: %s", w->panic);
	if (w->reason[0])
		return err_set(e, -EIO, "the guest gave up: %s", w->reason);
	if (w->said[0]) {
		w->said[strcspn(w->said, "\n")] = '\0';
		return err_set(e, -EIO, "QEMU ended: %.400s", w->said);
	}
	return err_set(e, -EIO, "the guest ended without telling an exit status");
}

/* The limits. 0 while all is well. */
static int check(struct watch *w, struct err *e)
{
	const struct guest_config *c = w->c;
	uint64_t now = clock_ns();
	char time[32];

	if (w->gone || (w->panic[0] && now - w->panic_at > PANIC_GRACE_NS))
		return ended_early(w, e);
	if (c->timeout_ns && now - w->start > c->timeout_ns)
		return err_remedy((err_set(e, -ETIMEDOUT, "the guest was not done within %s",
					   format_time(time, sizeof(time), (double)c->timeout_ns)),
				   e),
				  "--timeout with more time");
	if (w->quiet > c->silence_ns)
		return err_set(e, -ETIMEDOUT, "the guest hangs: no sign of life for %s%s",
			       format_time(time, sizeof(time), (double)c->silence_ns),
			       w->g->release[0] ? "" : " while it booted");
	return 0;
}

static void restore_terminal(const struct termios *old)
{
	if (old)
		tcsetattr(0, TCSAFLUSH, old);
}

/* Ours passes every key on, the guest's terminal does the rest. Returns `old` if it was changed. */
static const struct termios *raw_terminal(bool wanted, struct termios *old)
{
	struct termios raw;

	if (!wanted || !isatty(0) || tcgetattr(0, old))
		return NULL;
	raw = *old;
	cfmakeraw(&raw);
	raw.c_oflag = old->c_oflag; /* our own lines still end where they should */
	tcsetattr(0, TCSAFLUSH, &raw);
	return old;
}

int guest_run(struct guest *g, const struct guest_config *c, struct err *e)
{
	struct watch *w = calloc(1, sizeof(*w));
	const struct termios *terminal;
	struct termios old_terminal;
	struct sigaction hup;
	sigset_t set, old;
	int ret;

	if (!w)
		return err_sys(e, -ENOMEM, "starting a guest");
	w->g = g;
	w->c = c;
	w->start = clock_ns();
	w->stdin_open = true;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	if (!sigaction(SIGHUP, NULL, &hup) && hup.sa_handler != SIG_IGN)
		sigaddset(&set, SIGHUP); /* nohup means it */
	sigprocmask(SIG_BLOCK, &set, &old);
	w->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	terminal = raw_terminal(c->machine.tty, &old_terminal);
	ret = machine_start(&w->m, &c->machine, e);
	while (!ret && !has_all(w)) {
		ret = pump(w, e);
		if (!ret && !has_all(w))
			ret = check(w, e);
	}
	machine_stop(&w->m);
	restore_terminal(terminal);
	unpack_close(&g->files);
	if (!ret && w->file_error.code) {
		*e = w->file_error;
		ret = e->code;
	}
	if (w->signals >= 0)
		close(w->signals);
	sigprocmask(SIG_SETMASK, &old, NULL);
	free(w);
	return ret;
}
