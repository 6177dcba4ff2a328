#include "app/ed_labels.h"

#include "ed_app_config.h"

const char *ed_labels_text(uint32_t i)
{
    static const char *const texts[] = ED_APP_LABEL_TEXTS; /* one empty text where there are none */

    return texts[i];
}
