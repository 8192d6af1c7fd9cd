/* world/movingai: maps and scenarios of the benchmark. */
#include "support.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "multidistral/base/memory.h"
#include "multidistral/base/rng.h"
#include "multidistral/base/text.h"
#include "multidistral/world/movingai.h"

enum { PATH_BYTES = 512 };

static const char small_map[] = "type octile\nheight 2\nwidth 4\nmap\n.GS.\n@OTW\n";
static const char small_scen[] = "version 1\n"
                                 "0\tsmall.map\t4\t2\t0\t0\t3\t0\t3\n"
                                 "12\tsmall.map\t4\t2\t2\t1\t1\t0\t2.41421356\n";

static void parse_map(struct task *map, const char *text) {
    struct fault why = {""};
    if (!movingai_parse_map(map, "x.map", text, &why)) fail_msg("%s", why.text);
}

static void parse_scenarios(struct movingai *movingai, const char *text) {
    struct fault why = {""};
    if (!movingai_parse_scenarios(movingai, "x.scen", text, &why)) fail_msg("%s", why.text);
}

/* ---- What is read ---- */

static void assert_small_map(const char *text) {
    struct task map;
    parse_map(&map, text);
    assert_int_equal(map.rows, 2);
    assert_int_equal(map.columns, 4);
    assert_int_equal(map.n_agents, 0);
    for (int place = 0; place < 8; place++) assert_int_equal(map.wall[place], place >= 4);
    task_destroy(&map);
}

static void dots_g_and_s_are_free_and_other_letters_walls(void **unused) {
    (void)unused;
    assert_small_map(small_map);
}

static void assert_small_scenarios(const char *text) {
    struct movingai movingai;
    parse_scenarios(&movingai, text);
    assert_string_equal(movingai.map_name, "small.map");
    assert_int_equal(movingai.map.rows, 2);
    assert_int_equal(movingai.map.columns, 4);
    assert_int_equal(movingai.n, 2);
    assert_int_equal(movingai.scenario[0].line, 2);
    assert_int_equal(movingai.scenario[0].start, 0);
    assert_int_equal(movingai.scenario[0].goal, 3);
    assert_int_equal(movingai.scenario[1].line, 3);
    assert_int_equal(movingai.scenario[1].start, 4 + 2);
    assert_int_equal(movingai.scenario[1].goal, 1);
    movingai_destroy(&movingai);
}

static void x_is_the_column_and_y_the_row(void **unused) {
    (void)unused;
    assert_small_scenarios(small_scen);
}

/* The caller owns it. */
static char *with_crlf(const char *text) {
    char *crlf = memory_zeros(2 * strlen(text) + 1, 1), *end = crlf;
    for (const char *c = text; *c; c++) {
        if (*c == '\n') *end++ = '\r';
        *end++ = *c;
    }
    return crlf;
}

static void line_ends_do_not_matter(void **unused) {
    (void)unused;
    char *map = with_crlf(small_map), *scen = with_crlf(small_scen);
    assert_small_map(map);
    assert_small_scenarios(scen);
    free(map);
    free(scen);
}

static void a_missing_newline_does_not_matter_and_empty_lines_neither(void **unused) {
    (void)unused;
    char text[256];
    snprintf(text, sizeof text, "%.*s", (int)strlen(small_map) - 1, small_map);
    assert_small_map(text);
    snprintf(text, sizeof text, "%s\n  \n\n", small_map);
    assert_small_map(text);
    snprintf(text, sizeof text, "%.*s", (int)strlen(small_scen) - 1, small_scen);
    assert_small_scenarios(text);
    snprintf(text, sizeof text, "%s\n\r\n\t\n", small_scen);
    assert_small_scenarios(text);
}

static void version_1_may_be_written_with_its_point(void **unused) {
    (void)unused;
    char text[256];
    snprintf(text, sizeof text, "version 1.0%s", small_scen + strlen("version 1"));
    assert_small_scenarios(text);
}

/* ---- What is refused ---- */

struct malformed {
    const char *text;
    int line;
    const char *piece;
};

static void assert_said(const char *said, const char *source, const struct malformed *malformed) {
    char start[64];
    snprintf(start, sizeof start, "%s:%d: ", source, malformed->line);
    if (strncmp(said, start, strlen(start)) != 0 || !strstr(said, malformed->piece))
        fail_msg("\"%s\", expected line %d and \"%s\", of: %s", said, malformed->line, malformed->piece, malformed->text);
}

static void assert_map_refused(const struct malformed *malformed) {
    struct task map;
    struct fault why = {""};
    if (movingai_parse_map(&map, "x.map", malformed->text, &why)) fail_msg("accepted: %s", malformed->text);
    assert_said(why.text, "x.map", malformed);
    assert_null(map.wall);
}

static void assert_scenarios_refused(const struct malformed *malformed) {
    struct movingai movingai;
    struct fault why = {""};
    if (movingai_parse_scenarios(&movingai, "x.scen", malformed->text, &why)) fail_msg("accepted: %s", malformed->text);
    assert_said(why.text, "x.scen", malformed);
    assert_null(movingai.scenario);
}

#define HEAD "type octile\nheight 2\nwidth 3\nmap\n"

static void malformed_maps_are_refused(void **unused) {
    (void)unused;
    static const struct malformed table[] = {
        {"", 1, "the file ends here, expected `type octile`"},
        {"version 1\n", 1, "\"version 1\": expected `type octile`"},
        {"type tile\nheight 2\nwidth 3\nmap\n...\n...\n", 1, "\"type tile\""},
        {"type octile\n", 1, "expected `height` and a number"},
        {"type octile\nwidth 3\nheight 2\nmap\n...\n...\n", 2, "\"width 3\": expected `height`"},
        {"type octile\nheight\n", 2, "\"height\": expected"},
        {"type octile\nheight two\n", 2, "height \"two\": expected a whole number from 1 to 1024"},
        {"type octile\nheight 0\n", 2, "height \"0\""},
        {"type octile\nheight -2\n", 2, "height \"-2\""},
        {"type octile\nheight 1025\n", 2, "height \"1025\""},
        {"type octile\nheight 99999999999999999999\n", 2, "height \"99999999999999999999\""},
        {"type octile\nheight 4294967298\n", 2, "height \"4294967298\""},
        {"type octile\nheight 2.5\n", 2, "height \"2.5\""},
        {"type octile\nheight 2 3\n", 2, "height \"2 3\""},
        {"type octile\nheight 2\nwidth x\n", 3, "width \"x\""},
        {"type octile\nheight 2\nwidth 3\n...\n...\n", 4, "\"...\": expected `map`"},
        {HEAD, 4, "the file ends here, expected row 1 of the map's 2"},
        {HEAD "...\n", 5, "the file ends here, expected row 2 of the map's 2"},
        {HEAD "...", 5, "the file ends here, expected row 2 of the map's 2"},
        {HEAD "...\n..", 6, "this row of the map has 2 cells, expected 3"},
        {HEAD "....\n...\n", 5, "this row of the map has 4 cells, expected 3"},
        {HEAD "\n...\n...\n", 5, "this row of the map has 0 cells, expected 3"},
        {HEAD "...\n...\n...\n", 7, "the map goes on behind its 2 rows"},
        {HEAD "...\n...\n\n.\n", 8, "the map goes on behind its 2 rows"},
        {HEAD "...\n.#.\n", 6, "'#' in column 2 of the map, expected one of . G S @ O T W"},
        {HEAD "...\n..\x01\n", 6, "character \\x01 in column 3"},
        {HEAD "...\n\xc3\xa9.\n", 6, "character \\xc3 in column 1"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) assert_map_refused(&table[i]);
}

/* The caller owns it. */
static char *square(int side) {
    size_t size = (size_t)side * (size_t)(side + 1) + 64;
    char *text = memory_zeros(size, 1);
    int head = snprintf(text, size, "type octile\nheight %d\nwidth %d\nmap\n", side, side);
    memset(text + head, '.', (size_t)side * (size_t)(side + 1));
    for (int row = 0; row < side; row++) text[head + row * (side + 1) + side] = '\n';
    return text;
}

/* 256 x 256 cells are one too many; a wall makes them fit. */
static void a_map_with_more_free_cells_than_allowed_is_refused(void **unused) {
    (void)unused;
    enum { SIDE = 256 };
    struct task map;
    char *text = square(SIDE);
    assert_map_refused(&(struct malformed){text, 4 + SIDE, "has 65536 free cells, expected at most 65535"});
    *strchr(text, '.') = 'T';
    parse_map(&map, text);
    task_destroy(&map);
    free(text);
}

#define ROW(width, height, places) "version 1\n0\tx.map\t" width "\t" height "\t" places "\t1\n"

static void malformed_scenarios_are_refused(void **unused) {
    (void)unused;
    static const struct malformed table[] = {
        {"", 1, "the file ends here, expected `version 1`"},
        {"version 1\n", 1, "there is no scenario"},
        {"version 1\n\n \n", 3, "there is no scenario"},
        {"version 2\n", 1, "\"version 2\": expected `version 1`"},
        {"version x\n", 1, "\"version x\""},
        {"Version 1\n", 1, "\"Version 1\""},
        {"0\tx.map\t4\t2\t0\t0\t3\t0\t3\n", 1, "expected `version 1`"},
        {"type octile\nheight 2\n", 1, "this is a map, expected a file of scenarios (.scen)"},
        {"version 1\n0 x.map 4 2 0 0 3 0 3\n", 2, "the line has 1 fields, expected 9"},
        {"version 1\n0\tx.map\t4\t2\t0\t0\t3\t0\n", 2, "the line has 8 fields"},
        {"version 1\n0\tx.map\t4\t2\t0\t0\t3\t0\t3\t4\n", 2, "the line has 10 fields"},
        {"version 1\n0\tx.map\t4\t2\t0\t0\t3\t0\t3\n0\tx.m", 3, "the line has 2 fields"},
        {"version 1\nx\tx.map\t4\t2\t0\t0\t3\t0\t3\n", 2, "bucket \"x\""},
        {"version 1\n-1\tx.map\t4\t2\t0\t0\t3\t0\t3\n", 2, "bucket \"-1\""},
        {"version 1\n0\t\t4\t2\t0\t0\t3\t0\t3\n", 2, "the map has no name"},
        {"version 1\n0\tx.map\t4\t2\t0\t0\t3\t0\tlong\n", 2, "optimal length \"long\""},
        {"version 1\n0\tx.map\t4\t2\t0\t0\t3\t0\t-1\n", 2, "optimal length \"-1\""},
        {"version 1\n0\tx.map\t4\t2\t0\t0\t3\t0\tnan\n", 2, "optimal length \"nan\""},
        {ROW("0", "2", "0\t0\t0\t0"), 2, "map width \"0\": expected a whole number from 1 to 1024"},
        {ROW("4", "1025", "0\t0\t0\t0"), 2, "map height \"1025\""},
        {ROW("4", "99999999999999999999", "0\t0\t0\t0"), 2, "map height"},
        {ROW("4", "2", "4\t0\t0\t0"), 2, "start x \"4\": expected a whole number from 0 to 3"},
        {ROW("4", "2", "0\t2\t0\t0"), 2, "start y \"2\": expected a whole number from 0 to 1"},
        {ROW("4", "2", "0\t0\t4\t0"), 2, "goal x \"4\""},
        {ROW("4", "2", "0\t0\t0\t2"), 2, "goal y \"2\""},
        {ROW("4", "2", "-1\t0\t0\t0"), 2, "start x \"-1\""},
        {ROW("4", "2", "0\t0\t1.5\t0"), 2, "goal x \"1.5\""},
        {ROW("4", "2", "\t0\t1\t0"), 2, "start x \"\""},
        {ROW("4", "2", " 0\t0\t1\t0"), 2, "start x \" 0\""},
        {ROW("4", "2", "4294967296\t0\t1\t0"), 2, "start x \"4294967296\""},
        {"version 1\n0\tx.map\t4\t2\t0\t0\t3\t0\t3\n\n0\ty.map\t4\t2\t0\t0\t3\t0\t3\n", 4,
         "the map is \"y.map\" here, expected \"x.map\" as before"},
        {"version 1\n0\tx.map\t4\t2\t0\t0\t3\t0\t3\n0\tx.map\t4\t3\t0\t0\t3\t0\t3\n", 3,
         "the map is 4 wide and 3 high here, expected 4 and 2 as before"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) assert_scenarios_refused(&table[i]);
}

static void a_line_longer_than_allowed_is_refused(void **unused) {
    (void)unused;
    enum { LONG = 9000 };
    char *text = memory_zeros(LONG + 64, 1);
    memset(text + sprintf(text, "version 1\n0\t"), 'x', LONG);
    assert_scenarios_refused(&(struct malformed){text, 2, "the line is longer than 8191 characters"});
    free(text);
}

/* ---- Agents ---- */

static void assert_misfit(const struct movingai *movingai, int i, struct task *task, const char *piece) {
    struct task before = *task;
    struct fault why = {""};
    assert_false(movingai_add_agent(movingai, i, task, &why));
    assert_said(why.text, "x.scen", &(struct malformed){"", i + 2, piece});
    assert_int_equal(task->n_agents, before.n_agents);
}

static void only_agents_that_go_together_are_added(void **unused) {
    (void)unused;
    static const char *const places[] = {"0\t0\t2\t0", "0\t0\t1\t0", "1\t0\t2\t0", "1\t0\t0\t0", "1\t1\t0\t0",
                                         "2\t0\t1\t1", "2\t0\t2\t0", "2\t0\t4\t0", "0\t1\t2\t0", "2\t0\t1\t0"};
    char text[512] = "version 1\n";
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        sprintf(text + strlen(text), "0\tx.map\t5\t2\t%s\t1\n", places[i]);
    struct movingai movingai;
    struct fault why;
    parse_scenarios(&movingai, text);
    parse_map(&movingai.map, "type octile\nheight 2\nwidth 5\nmap\n...@.\n.T.@.\n");
    struct task task = movingai.map;
    assert_true(movingai_add_agent(&movingai, 0, &task, &why));
    assert_misfit(&movingai, 1, &task, "another agent of the task starts there");
    assert_misfit(&movingai, 2, &task, "another agent of the task has the same goal");
    assert_true(movingai_add_agent(&movingai, 3, &task, &why));
    assert_misfit(&movingai, 4, &task, "it starts in a wall");
    assert_misfit(&movingai, 5, &task, "its goal is in a wall");
    assert_misfit(&movingai, 6, &task, "it starts on its goal");
    assert_misfit(&movingai, 7, &task, "no way leads to its goal");
    assert_misfit(&movingai, 8, &task, "another agent of the task has the same goal");
    assert_true(movingai_add_agent(&movingai, 9, &task, &why));
    const int starts[] = {0, 1, 2}, goals[] = {2, 0, 1};
    assert_int_equal(task.n_agents, 3);
    assert_memory_equal(task.start, starts, sizeof starts);
    assert_memory_equal(task.goal, goals, sizeof goals);
    movingai_destroy(&movingai);
}

/* ---- Files ---- */

static void data_path(char path[PATH_BYTES], const char *name) {
    const char *end = strstr(__FILE__, "/tests/test_movingai.c");
    snprintf(path, PATH_BYTES, "%.*s/data/%s", end ? (int)(end - __FILE__) : 1, end ? __FILE__ : ".", name);
}

static void every_scenario_of_the_data_folder_can_be_a_task(void **unused) {
    (void)unused;
    char path[PATH_BYTES];
    struct movingai movingai;
    struct fault why = {""};
    data_path(path, "rooms_32.scen");
    if (!movingai_read(&movingai, path, &why)) fail_msg("%s", why.text);
    assert_int_equal(movingai.map.rows, 32);
    assert_int_equal(movingai.map.columns, 32);
    assert_true(movingai.n >= 20);
    for (int i = 0; i < movingai.n; i++) {
        struct task task = movingai.map, again;
        if (!movingai_add_agent(&movingai, i, &task, &why)) fail_msg("%s", why.text);
        char *text = task_write(&task);
        if (!task_parse(&again, "again", "again", text + strlen("name = \n"), &why)) fail_msg("%s", why.text);
        assert_int_equal(again.start[0], movingai.scenario[i].start);
        assert_int_equal(again.goal[0], movingai.scenario[i].goal);
        assert_memory_equal(again.wall, movingai.map.wall, 32 * 32 * sizeof *again.wall);
        task_destroy(&again);
        free(text);
    }
    movingai_destroy(&movingai);
}

/* A folder for one test, and the files put there. */
struct folder {
    char path[PATH_BYTES];
};

static int make_folder(void **state) {
    struct folder *folder = memory_zeros(1, sizeof *folder);
    strcpy(folder->path, "/tmp/test_movingai-XXXXXX");
    *state = folder;
    return mkdtemp(folder->path) ? 0 : -1;
}

static int remove_folder(void **state) {
    static const char *const names[] = {"x.scen", "small.map", "maps/small.map", "maps"};
    struct folder *folder = *state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[2 * PATH_BYTES];
        snprintf(path, sizeof path, "%s/%s", folder->path, names[i]);
        remove(path);
    }
    int removed = rmdir(folder->path);
    free(folder);
    return removed;
}

static void put(const struct folder *folder, const char *name, const char *text) {
    char path[2 * PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", folder->path, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* A scenario file that names its map like this. */
static void put_scenario(const struct folder *folder, const char *map_name, const char *size) {
    char text[2 * PATH_BYTES];
    snprintf(text, sizeof text, "version 1\n0\t%s\t%s\t0\t0\t1\t0\t1\n", map_name, size);
    put(folder, "x.scen", text);
}

static bool read_scenario(const struct folder *folder, struct fault *why) {
    char path[2 * PATH_BYTES];
    struct movingai movingai;
    snprintf(path, sizeof path, "%s/x.scen", folder->path);
    bool read = movingai_read(&movingai, path, why);
    if (read) movingai_destroy(&movingai);
    return read;
}

static void assert_finds(const struct folder *folder, const char *map_name) {
    struct fault why = {""};
    put_scenario(folder, map_name, "4\t2");
    if (!read_scenario(folder, &why)) fail_msg("%s: %s", map_name, why.text);
}

static void assert_not_read(const struct folder *folder, const char *map_name, const char *size, const char *piece) {
    struct fault why = {""};
    put_scenario(folder, map_name, size);
    assert_false(read_scenario(folder, &why));
    assert_memory_equal(why.text, folder->path, strlen(folder->path));
    if (!strstr(why.text, piece)) fail_msg("\"%s\", expected \"%s\"", why.text, piece);
}

static void the_map_is_found_beside_the_scenarios_or_by_its_path(void **state) {
    const struct folder *folder = *state;
    char path[2 * PATH_BYTES];
    assert_not_read(folder, "small.map", "4\t2", "x.scen:2: there is no map \"small.map\"");
    put(folder, "small.map", small_map);
    assert_finds(folder, "small.map");
    assert_finds(folder, "maps/dao/small.map");
    snprintf(path, sizeof path, "%s/small.map", folder->path);
    assert_finds(folder, path);
    remove(path);
    snprintf(path, sizeof path, "%s/maps", folder->path);
    assert_int_equal(mkdir(path, S_IRWXU), 0);
    put(folder, "maps/small.map", small_map);
    assert_finds(folder, "maps/small.map");
    assert_not_read(folder, "small.map", "4\t2", "there is no map");
    snprintf(path, sizeof path, "%s/maps/small.map", folder->path);
    assert_finds(folder, path);
}

static void a_map_that_is_not_as_the_scenarios_say_is_refused(void **state) {
    const struct folder *folder = *state;
    put(folder, "small.map", small_map);
    assert_not_read(folder, "small.map", "5\t2", "x.scen:2: the map is 5 wide and 2 high here, but 4 and 2 in ");
    assert_not_read(folder, "small.map", "4\t3", "x.scen:2: the map is 4 wide and 3 high here, but 4 and 2 in ");
    put(folder, "small.map", "type octile\nheight 2\nwidth 4\nmap\n....\n");
    assert_not_read(folder, "small.map", "4\t2", "small.map:5: the file ends here");
}

/* ---- Damaged files ---- */

/* Changes, drops or doubles a few bytes. */
static void damage(char *text, struct rng *rng) {
    static const char bytes[] = ".GS@OTW0123456789-\t\n\r \x01\xff";
    for (uint32_t n = rng_below(rng_next(rng), 4) + 1; n > 0; n--) {
        size_t length = strlen(text), at = rng_below(rng_next(rng), (uint32_t)length);
        uint32_t kind = rng_below(rng_next(rng), 3);
        if (kind == 0) text[at] = bytes[rng_below(rng_next(rng), sizeof bytes - 1)];
        if (kind == 1) memmove(text + at, text + at + 1, length - at);
        if (kind == 2) memmove(text + at + 1, text + at, length - at + 1);
    }
}

static void assert_has_a_line(const struct fault *why, const char *format) {
    int line = 0;
    assert_int_equal(sscanf(why->text, format, &line), 1);
    assert_true(line >= 1);
}

static void damaged_files_are_read_or_refused_with_a_line(void **unused) {
    (void)unused;
    enum { DAMAGES = 5000 };
    struct rng rng;
    rng_start(&rng, &(struct rng_key){.seed = 3});
    for (int t = 0; t < DAMAGES; t++) {
        char map_text[256], scen_text[256];
        struct task map;
        struct movingai movingai;
        struct fault why;
        damage(strcpy(map_text, small_map), &rng);
        damage(strcpy(scen_text, small_scen), &rng);
        if (movingai_parse_map(&map, "x.map", map_text, &why)) task_destroy(&map);
        else assert_has_a_line(&why, "x.map:%d: ");
        if (!movingai_parse_scenarios(&movingai, "x.scen", scen_text, &why)) {
            assert_has_a_line(&why, "x.scen:%d: ");
            continue;
        }
        for (int i = 0; i < movingai.n; i++) {
            assert_in_range(movingai.scenario[i].start, 0, movingai.map.rows * movingai.map.columns - 1);
            assert_in_range(movingai.scenario[i].goal, 0, movingai.map.rows * movingai.map.columns - 1);
        }
        movingai_destroy(&movingai);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dots_g_and_s_are_free_and_other_letters_walls),
        cmocka_unit_test(x_is_the_column_and_y_the_row),
        cmocka_unit_test(line_ends_do_not_matter),
        cmocka_unit_test(a_missing_newline_does_not_matter_and_empty_lines_neither),
        cmocka_unit_test(version_1_may_be_written_with_its_point),
        cmocka_unit_test(malformed_maps_are_refused),
        cmocka_unit_test(a_map_with_more_free_cells_than_allowed_is_refused),
        cmocka_unit_test(malformed_scenarios_are_refused),
        cmocka_unit_test(a_line_longer_than_allowed_is_refused),
        cmocka_unit_test(only_agents_that_go_together_are_added),
        cmocka_unit_test(every_scenario_of_the_data_folder_can_be_a_task),
        cmocka_unit_test_setup_teardown(the_map_is_found_beside_the_scenarios_or_by_its_path, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_map_that_is_not_as_the_scenarios_say_is_refused, make_folder, remove_folder),
        cmocka_unit_test(damaged_files_are_read_or_refused_with_a_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
