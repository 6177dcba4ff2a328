/* An SSD1306 as its data sheet has it, with a panel of 72 x 40 pixels. The panel is wired as its maker
 * says (columns 28 to 99 of the memory, segments and rows counted backwards), and hangs upside down,
 * as on the XIAOML kit. */
#include <stdlib.h>

#include <fstream>

#include "fake.h"

static const int WIDTH = 72, HEIGHT = 40, COLUMNS = 128, PAGES = 8;
static const int FIRST_SEGMENT = 99; /* of the panel's left column; they go down to 28 */

class Ssd1306 : public FakeChip
{
  public:
    void write(const std::vector<uint8_t> &bytes) override
    {
        if (bytes.empty()) {
            return; /* whether it is there */
        }
        for (size_t i = 1; i < bytes.size(); i++) {
            if (bytes[0] == 0x40) {
                put(bytes[i]);
            } else if (bytes[0] == 0x00) {
                take(bytes[i]);
            } else {
                abort(); /* our port sends no other control byte */
            }
        }
    }

    uint8_t read() override
    {
        return on_ ? 0x00 : 0x40;
    }

  private:
    /* How many bytes follow a command. */
    static size_t more(uint8_t command)
    {
        switch (command) {
        case 0x20: /* addressing */
        case 0x81: /* contrast */
        case 0x8D: /* charge pump */
        case 0xA8: /* multiplex ratio */
        case 0xAD: /* current source */
        case 0xD3: /* offset */
        case 0xD5: /* clock */
        case 0xD9: /* precharge */
        case 0xDA: /* COM pins */
        case 0xDB: /* COM level */
            return 1;
        case 0x21: /* columns */
        case 0x22: /* pages */
            return 2;
        default:
            return 0;
        }
    }

    void take(uint8_t byte)
    {
        command_.push_back(byte);
        if (command_.size() <= more(command_[0])) {
            return;
        }
        switch (command_[0]) {
        case 0x20:
            horizontal_ = command_[1] == 0;
            break;
        case 0x21:
            column_ = left_ = command_[1];
            right_ = command_[2];
            break;
        case 0x22:
            page_ = top_ = command_[1];
            bottom_ = command_[2];
            break;
        case 0x8D:
            pump_ = command_[1] == 0x14;
            break;
        case 0xA8:
            rows_ = command_[1] + 1;
            break;
        case 0xA0:
        case 0xA1:
            segments_back_ = command_[0] == 0xA1;
            break;
        case 0xC0:
        case 0xC8:
            rows_back_ = command_[0] == 0xC8;
            break;
        case 0xAE:
        case 0xAF:
            on_ = command_[0] == 0xAF;
            record();
            break;
        default:
            break;
        }
        command_.clear();
    }

    void put(uint8_t pixels)
    {
        memory_[page_ % PAGES][column_ % COLUMNS] = pixels;
        column_++;
        if (column_ > right_) {
            column_ = left_;
            page_ = !horizontal_ ? page_ : page_ < bottom_ ? page_ + 1 : top_;
        }
    }

    /* Of what a person sees. */
    bool lit(int x, int y) const
    {
        const int segment = FIRST_SEGMENT - (WIDTH - 1 - x);
        const int com = y;
        const int column = segments_back_ ? COLUMNS - 1 - segment : segment;
        const int row = rows_back_ ? rows_ - 1 - com : com;

        return on_ && pump_ && row < rows_ && (memory_[row / 8][column] >> row % 8 & 1) != 0;
    }

    void record() const
    {
        const char *const path = getenv("ED_FAKE_DISPLAY");

        if (path == nullptr) {
            return;
        }
        std::ofstream file(path, std::ios::app);
        for (int y = 0; y < HEIGHT; y++) {
            for (int x = 0; x < WIDTH; x++) {
                file << (lit(x, y) ? '#' : '.');
            }
            file << '\n';
        }
    }

    std::vector<uint8_t> command_; /* that is not whole yet */
    uint8_t memory_[PAGES][COLUMNS] = {};
    int column_ = 0, left_ = 0, right_ = COLUMNS - 1;
    int page_ = 0, top_ = 0, bottom_ = PAGES - 1;
    int rows_ = 64;
    bool horizontal_ = false, segments_back_ = false, rows_back_ = false;
    bool on_ = false, pump_ = false;
};

FakeChip *ed_fake_display()
{
    static Ssd1306 display;

    return &display;
}
