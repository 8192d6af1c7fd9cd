#define _DEFAULT_SOURCE /* usleep, nl_langinfo_l, struct winsize */
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <termios.h>
#include <unistd.h>

#include "multidistral/cli/command.h"
#include "multidistral/cli/inputs.h"
#include "multidistral/run/replay.h"

static const char usage[] = "[OPTION...] run.h5";
static const char about[] =
    "Plays games of a run again: numbers below games_m are the games of its last M-step, exactly; others, and games of other "
    "policies, are new.\n"
    "On a terminal they are shown step by step: space pauses, the right arrow or enter goes a step on, the left arrow a step back, "
    "+ and - or the arrows up and down change the speed, n is the next game, q ends.";

struct wishes {
    int policy;
    int64_t replica, game, games;
    double speed;
};

enum { WISH_POLICY, WISH_REPLICA, WISH_GAME, WISH_GAMES, WISH_SPEED, WISH_COUNT };
enum { POLICY_TASK, POLICY_DISTILLED };

static const struct setting wishes_table[WISH_COUNT] = {
    [WISH_POLICY] = {"policy", SETTING_CHOICE, "task", 0, 0, "task|distilled", "", offsetof(struct wishes, policy)},
    [WISH_REPLICA] = {"replica", SETTING_INTEGER, "0", 0, 1e9, "", "", offsetof(struct wishes, replica)},
    [WISH_GAME] = {"game", SETTING_INTEGER, "0", 0, RNG_GAMES - 1, "", "", offsetof(struct wishes, game)},
    [WISH_GAMES] = {"games", SETTING_INTEGER, "1", 1, 1e6, "", "", offsetof(struct wishes, games)},
    [WISH_SPEED] = {"speed", SETTING_REAL, "4", 0.1, 100, "", "", offsetof(struct wishes, speed)},
};

struct replay_options {
    char *wish[WISH_COUNT], *task; /* as given, or NULL */
    int greedy, step, ascii, json;
};

/* What is shown, and how. */
struct show {
    const struct replay *replay;
    const struct replay_game *game;
    uint32_t number;
    bool live, colour, ascii, paused, others; /* others: not the policies of the run's own games */
    double speed; /* steps per second */
    int lines;    /* drawn last, to be drawn over */
};

static const struct task *task_of(const struct show *s) { return &s->replay->plan.task[s->replay->task]; }
static const char *action_name(const struct show *s, int action) { return env_action_name(task_of(s)->world, action); }

/* Whether the run has not played it: it is in no return of the file. */
static bool is_new(const struct show *s) { return s->others || s->number >= s->replay->plan.config.run.games_m; }

static void place_of(const struct show *s, int64_t step, int agent, int *row, int *column) {
    uint16_t cell = s->game->state[step].cell[agent];
    *row = s->replay->plan.cells.row[cell];
    *column = s->replay->plan.cells.column[cell];
}

/* ---- JSON ---- */

static void json_places(const struct show *s, int64_t step) {
    for (int j = 0; j < task_of(s)->n_agents; j++) {
        int row, column;
        place_of(s, step, j, &row, &column);
        printf("%s[%d, %d]", j ? ", " : "", row, column);
    }
}

static void json_map(const struct task *task) {
    for (int row = 0; row < task->rows; row++) {
        printf("%s\"", row ? ", " : "");
        for (int column = 0; column < task->columns; column++) putchar(task->wall[row * task->columns + column] ? '#' : '.');
        putchar('"');
    }
    printf("], \"goal\": [");
    for (int j = 0; j < task->n_agents; j++)
        printf("%s[%d, %d]", j ? ", " : "", task->goal[j] / task->columns, task->goal[j] % task->columns);
}

static void json_steps(const struct show *s) {
    int n = task_of(s)->n_agents;
    printf("], \"states\": [");
    for (int64_t t = 0; t <= s->game->steps; t++) {
        printf("%s[", t ? ", " : "");
        json_places(s, t);
        putchar(']');
    }
    printf("], \"actions\": [");
    for (int64_t t = 0; t < s->game->steps; t++)
        for (int j = 0; j < n; j++)
            printf("%s\"%s\"%s", j ? ", " : t ? ", [" : "[", action_name(s, s->game->action[t][j]), j == n - 1 ? "]" : "");
    printf("], \"rewards\": [");
    for (int64_t t = 0; t < s->game->steps; t++)
        for (int j = 0; j < n; j++)
            printf("%s%.12g%s", j ? ", " : t ? ", [" : "[", s->game->reward[t][j], j == n - 1 ? "]" : "");
}

static void print_json(const struct show *s, bool first) {
    const struct episode *e = &s->game->episode;
    const struct task *task = task_of(s);
    printf("%s{\"task\": \"%s\", \"replica\": %lld, \"game\": %u, \"new\": %s, \"map\": [", first ? "" : ",\n", task->name,
           (long long)s->replay->replica, s->number, is_new(s) ? "true" : "false");
    json_map(task);
    printf("], \"finished\": [");
    for (int j = 0; j < task->n_agents; j++) printf("%s%s", j ? ", " : "", e->finished >> j & 1 ? "true" : "false");
    printf("], \"returns\": [");
    for (int j = 0; j < task->n_agents; j++) printf("%s%.17g", j ? ", " : "", e->returns[j]);
    printf("], \"length\": [");
    for (int j = 0; j < task->n_agents; j++) printf("%s%lld", j ? ", " : "", (long long)e->length[j]);
    json_steps(s);
    printf("]}");
}

/* ---- For people ---- */

static const char *const agent_colour[] = {"34", "33", "32", "35", "36", "31", "94", "93"}; /* ANSI */

static void put_coloured(const struct show *s, FILE *out, int agent, bool bold, char letter) {
    if (s->colour) fprintf(out, "\033[%s%sm%c\033[0m", bold ? "1;" : "", agent_colour[agent], letter);
    else putc(letter, out);
}

static void put_cell(const struct show *s, FILE *out, int64_t step, int row, int column) {
    const struct task *task = task_of(s);
    int place = row * task->columns + column, agent_row, agent_column;
    for (int j = 0; j < task->n_agents; j++) {
        place_of(s, step, j, &agent_row, &agent_column);
        if (agent_row == row && agent_column == column) {
            put_coloured(s, out, j, true, (char)('A' + j));
            return;
        }
    }
    for (int j = 0; j < task->n_agents; j++)
        if (task->goal[j] == place) {
            put_coloured(s, out, j, false, (char)('a' + j));
            return;
        }
    fputs(task->wall[place] ? (s->ascii ? "#" : "█") : s->ascii ? "." : "·", out);
}

static struct winsize terminal_size(const struct show *s) {
    struct winsize size = {0};
    if (s->live) ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
    return size; /* 0: not known, or none */
}

/* The map; or, where the terminal has no room for all that is drawn, the room it needs. */
static void put_map(const struct show *s, FILE *out, int64_t step) {
    const struct task *task = task_of(s);
    if (task->world != ENV_grid) return;
    const struct winsize has = terminal_size(s);
    int rows = task->rows + task->n_agents + 2; /* the title and the step */
    if ((has.ws_row && rows > has.ws_row) || (has.ws_col && task->columns > has.ws_col)) {
        fprintf(out, "map needs %dx%d, here are %dx%d\n", task->columns, rows, has.ws_col, has.ws_row);
        return;
    }
    for (int row = 0; row < task->rows; row++) {
        for (int column = 0; column < task->columns; column++) put_cell(s, out, step, row, column);
        putc('\n', out);
    }
}

/* Of a matrix game nobody could finish. */
static bool stays_short(const struct show *s, int agent) {
    return env_has_goals(task_of(s)->world) && !(s->game->episode.finished >> agent & 1);
}

/* What led here, and the returns so far: a line each, so that 40 columns are enough. */
static void put_lines(const struct show *s, FILE *out, int64_t step) {
    bool last = step == s->game->steps;
    fprintf(out, "step %lld of %lld%s\n", (long long)step, (long long)s->game->steps, s->paused ? "  paused" : "");
    for (int j = 0; j < task_of(s)->n_agents; j++) {
        double sum = 0, discount = 1;
        for (int64_t t = 0; t < step; t++, discount *= s->replay->plan.config.learning.gamma) sum += discount * s->game->reward[t][j];
        fprintf(out, "  %c return %.2f%s%s%s\n", 'A' + j, sum, step ? "  " : "",
                step ? action_name(s, s->game->action[step - 1][j]) : "",
                last && stays_short(s, j) ? ", not finished" : "");
    }
}

static void put_name(const struct show *s, FILE *out) {
    fprintf(out, "%s, replica %lld, game %u%s", task_of(s)->name, (long long)s->replay->replica, s->number, is_new(s) ? " (new)" : "");
}

/* How many bytes of a line are so many columns of the terminal: colours take none, signs of UTF-8 one. */
static int bytes_of_columns(const char *line, int length, int columns) {
    int i = 0;
    while (i < length && (columns > 0 || line[i] == '\033')) {
        bool colour = line[i] == '\033';
        i += colour ? (int)strcspn(line + i, "m") + 1 : 1;
        while (i < length && (line[i] & 0xC0) == 0x80) i++; /* the rest of a sign */
        columns -= !colour;
    }
    return i;
}

/* Over what was drawn last. Lines wider than the terminal are cut, not wrapped, and lines below its end left out: else the next
 * drawing would begin at the wrong place. The cursor stays on the last line. */
static void show_drawing(struct show *s, const char *text) {
    const struct winsize has = terminal_size(s);
    if (s->lines > 1) printf("\033[%dA", s->lines - 1);
    fputs("\r\033[J\033[?7l", stdout);
    for (s->lines = 0; *text && (!has.ws_row || s->lines < has.ws_row); s->lines++) {
        int length = (int)strcspn(text, "\n");
        printf("%s%.*s", s->lines ? "\n" : "", has.ws_col ? bytes_of_columns(text, length, has.ws_col) : length, text);
        text += length + 1;
    }
    fputs("\033[?7h", stdout);
    fflush(stdout);
}

static void draw_live(struct show *s, int64_t step) {
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out) return;
    put_name(s, out);
    putc('\n', out);
    put_map(s, out, step);
    put_lines(s, out, step);
    if (fclose(out) == 0) show_drawing(s, text);
    free(text);
}

static void print_game(const struct show *s, bool steps) {
    const struct episode *e = &s->game->episode;
    put_name(s, stdout);
    putchar(':');
    for (int j = 0; j < task_of(s)->n_agents; j++)
        printf(" %c %.2f%s", 'A' + j, e->returns[j], stays_short(s, j) ? " (not finished)" : "");
    printf("; %lld step%s\n", (long long)s->game->steps, s->game->steps == 1 ? "" : "s");
    for (int64_t step = 0; steps && step <= s->game->steps; step++) {
        put_map(s, stdout, step);
        put_lines(s, stdout, step);
    }
}

/* ---- A terminal ---- */

static struct termios was;
static volatile sig_atomic_t interrupted;
static sigset_t waiting; /* signals that stay blocked while waiting for a key: not ours */

static void on_interrupt(int number) {
    (void)number;
    interrupted = 1;
}

/* The terminal is put back before the program ends. */
static void catch_interrupts(void) {
    struct sigaction action = {.sa_handler = on_interrupt};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    /* They come while waiting for a key alone, so that none is missed between looking at it and waiting. */
    sigset_t ours;
    sigemptyset(&ours);
    sigaddset(&ours, SIGINT);
    sigaddset(&ours, SIGTERM);
    sigprocmask(SIG_BLOCK, &ours, &waiting);
}

static bool make_raw(void) {
    struct termios raw;
    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &was) != 0) return false;
    raw = was;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    catch_interrupts();
    return tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

enum key { NO_KEY, KEY_QUIT = 'q', KEY_NEXT = 'n', KEY_PAUSE = ' ', KEY_FASTER = '+', KEY_SLOWER = '-', KEY_ON = '\n', KEY_BACK = '\b', KEY_OTHER = '?' };

/* Keys pressed and not yet looked at. */
struct pressed {
    char byte[64];
    ssize_t n, next;
};

/* Arrows are three bytes, and so are other keys that mean nothing here. */
static enum key take_key(struct pressed *pressed) {
    static const char arrow[] = "ABCD", meaning[] = {KEY_FASTER, KEY_SLOWER, KEY_ON, KEY_BACK};
    char byte = pressed->byte[pressed->next++];
    if (byte != '\033') return byte ? (enum key)byte : KEY_OTHER;
    if (pressed->next + 1 >= pressed->n || !strchr("[O", pressed->byte[pressed->next])) return KEY_OTHER;
    const char *which = strchr(arrow, pressed->byte[pressed->next + 1]);
    pressed->next += 2;
    return which ? (enum key)meaning[which - arrow] : KEY_OTHER;
}

/* The key pressed within so many milliseconds (-1: wait). The end of the input and signals end the show. */
static enum key key_within(int milliseconds) {
    static struct pressed pressed;
    struct timespec limit = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
    fd_set input;
    FD_ZERO(&input);
    FD_SET(STDIN_FILENO, &input);
    if (pressed.next < pressed.n) return take_key(&pressed);
    bool ready = pselect(STDIN_FILENO + 1, &input, NULL, NULL, milliseconds < 0 ? NULL : &limit, &waiting) > 0;
    if (interrupted) return KEY_QUIT;
    if (!ready) return NO_KEY;
    pressed.next = 0;
    pressed.n = read(STDIN_FILENO, pressed.byte, sizeof pressed.byte);
    return pressed.n > 0 ? take_key(&pressed) : KEY_QUIT;
}

/* How the show goes on; the step that is shown next. */
static int64_t heed(struct show *s, enum key key, int64_t step) {
    switch (key) {
    case KEY_PAUSE: s->paused = !s->paused; return step;
    case KEY_FASTER: s->speed = s->speed < 50 ? 2 * s->speed : s->speed; return step;
    case KEY_SLOWER: s->speed = s->speed > 0.2 ? s->speed / 2 : s->speed; return step;
    case KEY_BACK: s->paused = true; return step > 0 ? step - 1 : 0;
    case KEY_ON:
    case NO_KEY: return step + 1;
    default: return step;
    }
}

enum after { AFTER_END, AFTER_NEXT, AFTER_QUIT };

/* The last step stays for a while; paused, until a key is pressed. */
static enum after show_live(struct show *s, bool keys) {
    enum after after = AFTER_END;
    s->lines = 0;
    for (int64_t step = 0; step <= s->game->steps && after == AFTER_END;) {
        draw_live(s, step);
        int wait = (int)(1000 / s->speed) * (step == s->game->steps ? 4 : 1);
        enum key key = NO_KEY;
        if (keys) key = key_within(s->paused ? -1 : wait);
        else usleep((useconds_t)wait * 1000);
        if (key == KEY_QUIT) after = AFTER_QUIT;
        else if (key == KEY_NEXT) after = AFTER_NEXT;
        else step = heed(s, key, step);
    }
    putchar('\n');
    return after;
}

/* ---- The command ---- */

/* Who asks for the next game gets it, however many were wished for. */
static void play_all(struct show *s, const struct wishes *wishes, const struct replay_options *options) {
    bool keys = s->live && make_raw();
    enum after after = AFTER_END;
    if (options->json) printf("{\"games\": [\n");
    for (int64_t i = 0; (i < wishes->games && after != AFTER_QUIT) || (after == AFTER_NEXT && wishes->game + i < RNG_GAMES); i++) {
        struct replay_game game;
        s->number = (uint32_t)(wishes->game + i);
        replay_play(s->replay, s->number, wishes->policy == POLICY_DISTILLED, options->greedy, &game);
        s->game = &game;
        after = AFTER_END;
        if (options->json) print_json(s, i == 0);
        else if (s->live) after = show_live(s, keys);
        else print_game(s, options->step);
        replay_game_destroy(&game);
        s->game = NULL;
    }
    if (options->json) printf("]}\n");
    if (keys) tcsetattr(STDIN_FILENO, TCSANOW, &was);
}

/* Whether the terminal's locale has the signs for walls and free cells. */
static bool is_utf8(void) {
    locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
    bool yes = locale && strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0;
    if (locale) freelocale(locale);
    return yes;
}

static bool replay_run(const struct arguments *arguments, const struct replay_options *options, struct fault *why) {
    struct wishes wishes;
    struct replay replay;
    if (arguments->n_positional != 1) return fault_set(why, "expected one run file");
    if (!inputs_read_options(wishes_table, WISH_COUNT, options->wish, &wishes, why)) return false;
    if (wishes.game + wishes.games > RNG_GAMES) return fault_set(why, "option: game + games: expected at most %u", RNG_GAMES);
    if (!replay_open(&replay, arguments->positional[0], options->task, wishes.replica, why)) return false;
    const char *kind = getenv("TERM");
    bool terminal = isatty(STDOUT_FILENO), screen = terminal && !(kind && !strcmp(kind, "dumb")); /* which has no way up, no colours */
    struct show show = {.replay = &replay,
                        .live = screen && !options->json,
                        .colour = screen && !getenv("NO_COLOR"),
                        .ascii = options->ascii || (terminal && !is_utf8()),
                        .paused = options->step && screen,
                        .others = options->greedy || wishes.policy == POLICY_DISTILLED,
                        .speed = wishes.speed};
    play_all(&show, &wishes, options);
    replay_close(&replay);
    return true;
}

int cmd_replay(int argc, const char **argv) {
    struct replay_options options = {0};
    struct poptOption table[] = {
        {"task", 't', POPT_ARG_STRING, &options.task, 0, "which task (the first)", "NAME"},
        {"replica", '\0', POPT_ARG_STRING, &options.wish[WISH_REPLICA], 0, "which replica (0)", "REPLICA"},
        {"game", '\0', POPT_ARG_STRING, &options.wish[WISH_GAME], 0, "the first game's number (0)", "GAME"},
        {"games", '\0', POPT_ARG_STRING, &options.wish[WISH_GAMES], 0, "how many games (1)", "GAMES"},
        {"policy", '\0', POPT_ARG_STRING, &options.wish[WISH_POLICY], 0, "task|distilled: whose policies play (task)", "POLICY"},
        {"greedy", '\0', POPT_ARG_NONE, &options.greedy, 0, "take the most probable actions instead of drawing them", NULL},
        {"speed", '\0', POPT_ARG_STRING, &options.wish[WISH_SPEED], 0, "steps per second (4)", "SPEED"},
        {"step", '\0', POPT_ARG_NONE, &options.step, 0, "begin paused; without a terminal: print every step", NULL},
        {"ascii", '\0', POPT_ARG_NONE, &options.ascii, 0, "draw with ASCII alone (also where the locale has no UTF-8)", NULL},
        {"json", '\0', POPT_ARG_NONE, &options.json, 0, "print maps, states, actions, rewards and returns as JSON", NULL},
        {"help", 'h', POPT_ARG_NONE, NULL, 'h', "show this help", NULL},
        POPT_TABLEEND};
    struct arguments arguments;
    struct fault why;
    bool ok = arguments_read(&arguments, argc, argv, table, false, usage, about, true, &why);
    if (ok && !arguments.help) ok = replay_run(&arguments, &options, &why);
    if (!ok) fprintf(stderr, "multidistral replay: %s\n", why.text);
    arguments_destroy(&arguments);
    for (int i = 0; i < WISH_COUNT; i++) free(options.wish[i]);
    free(options.task);
    return ok ? STATUS_DONE : STATUS_USAGE;
}
