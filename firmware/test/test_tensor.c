/* Unit tests of the values in app/ed_tensor.h, type by type, and of laps in app/ed_measure.h. */
#include <math.h>
#include <stdint.h>

#include "app/ed_measure.h"
#include "app/ed_tensor.h"
#include "check.h"
#include "fake_port.h"
#include "wire/ed_record.h"

static ed_model_tensor tensor(ed_dtype dtype, uint32_t bytes, float scale, int32_t zero_point)
{
    const ed_model_tensor made = {"t", dtype, 1, {bytes}, bytes, scale, zero_point};

    return made;
}

static void test_int8(void)
{
    const ed_model_tensor t = tensor(ED_DTYPE_INT8, 8, 0.5f, 3);
    int8_t data[8] = {0};

    CHECK(ed_tensor_elements(&t) == 8);
    ed_tensor_set(&t, data, 0, 1.0f);   /* 2 + 3 */
    ed_tensor_set(&t, data, 1, 0.25f);  /* 0.5 away from zero: 1 + 3 */
    ed_tensor_set(&t, data, 2, -0.25f); /* -1 + 3 */
    ed_tensor_set(&t, data, 3, 1e30f);
    ed_tensor_set(&t, data, 4, -INFINITY);
    ed_tensor_set(&t, data, 5, NAN); /* the zero point */
    ed_tensor_set(&t, data, 6, 62.0f);
    ed_tensor_set(&t, data, 7, -65.5f);
    CHECK(data[0] == 5 && data[1] == 4 && data[2] == 2 && data[3] == 127 && data[4] == -128);
    CHECK(data[5] == 3 && data[6] == 127 && data[7] == -128);
    CHECK(ed_tensor_get(&t, data, 0) == 1.0f && ed_tensor_get(&t, data, 7) == -65.5f);
}

static void test_others(void)
{
    const ed_model_tensor u8 = tensor(ED_DTYPE_UINT8, 2, 0.25f, 128);
    const ed_model_tensor i16 = tensor(ED_DTYPE_INT16, 4, 0x1p-10f, 0);
    const ed_model_tensor i32 = tensor(ED_DTYPE_INT32, 8, 0.0f, 0);
    const ed_model_tensor i64 = tensor(ED_DTYPE_INT64, 16, 0.0f, 0);
    const ed_model_tensor f32 = tensor(ED_DTYPE_FLOAT32, 8, 0.0f, 0);
    const ed_model_tensor truth = tensor(ED_DTYPE_BOOL, 2, 0.0f, 0);
    uint8_t bytes[2];
    int16_t halves[2];
    int32_t words[4];
    float reals[2];

    ed_tensor_set(&u8, bytes, 0, -32.0f);
    ed_tensor_set(&u8, bytes, 1, 1000.0f);
    CHECK(bytes[0] == 0 && bytes[1] == 255 && ed_tensor_get(&u8, bytes, 1) == 31.75f);
    ed_tensor_set(&i16, halves, 0, -40.0f);
    ed_tensor_set(&i16, halves, 1, 3.0f);
    CHECK(halves[0] == INT16_MIN && halves[1] == 3072 && ed_tensor_get(&i16, halves, 1) == 3.0f);
    ed_tensor_set(&i32, words, 0, 0x1p31f);
    ed_tensor_set(&i32, words, 1, -0x1p31f);
    CHECK(words[0] == INT32_MAX && words[1] == INT32_MIN);
    CHECK(ed_tensor_get(&i32, words, 1) == -0x1p31f);
    ed_tensor_set(&i64, words, 0, 5.0f);
    ed_tensor_set(&i64, words, 1, -7.0f);
    CHECK(words[0] == 5 && words[1] == 0 && words[2] == -7 && words[3] == -1);
    CHECK(ed_tensor_get(&i64, words, 1) == -7.0f && ed_tensor_elements(&i64) == 2);
    CHECK(strcmp(ed_tensor_type_name(ED_DTYPE_INT64), "int64") == 0);
    ed_tensor_set(&f32, reals, 0, 0.1f);
    ed_tensor_set(&f32, reals, 1, NAN);
    CHECK(reals[0] == 0.1f && reals[1] == 0.0f && ed_tensor_elements(&f32) == 2);
    ed_tensor_set(&truth, bytes, 0, 0.4f);
    ed_tensor_set(&truth, bytes, 1, 7.0f);
    CHECK(bytes[0] == 0 && bytes[1] == 1);
    CHECK(strcmp(ed_tensor_type_name(ED_DTYPE_BOOL), "bool") == 0);
    CHECK(strcmp(ed_tensor_type_name(ED_DTYPE_INT16), "int16") == 0);
}

/* Each snapshot is one step later than the one before, so each layer costs one step, and the run
 * as many as it has layers: nothing lies between two laps. */
static void test_laps(void)
{
    ed_port_counts spent;

    for (uint32_t i = 0; i < ED_PORT_COUNTERS; i++) {
        fake_port_now.value[i] = UINT32_MAX - 1u; /* across the 32-bit border */
        fake_port_step.value[i] = 100u + i;
    }
    fake_port_now.known = 1u << ED_PORT_US | 1u << ED_PORT_CYCLES | 1u << ED_PORT_ENERGY_NJ;
    ed_measure_invoke(true, &spent);
    CHECK(spent.value[ED_PORT_US] == 100u * ED_MODEL_LAYERS);
    CHECK(spent.value[ED_PORT_ENERGY_NJ] == 104u * ED_MODEL_LAYERS);
    for (uint32_t layer = 0; layer < ED_MODEL_LAYERS; layer++) {
        fake_port_clear();
        ed_record_reset();
        ed_record_begin("layer");
        ed_measure_report_layer(layer);
        ed_record_end();
        CHECK(strncmp(fake_port_sent, "ed-layer seq=0 us=100 cycles=101 energy_nj=104*", 47) == 0);
    }
    ed_measure_invoke(false, &spent);
    CHECK(spent.value[ED_PORT_CYCLES] == 101u);
    fake_port_clear();
    ed_record_begin("hello");
    ed_measure_report_counters("counters");
    ed_record_end();
    CHECK(strstr(fake_port_sent, " counters=cycles,energy*") != NULL);
}

int main(void)
{
    test_int8();
    test_others();
    test_laps();
    return 0;
}
