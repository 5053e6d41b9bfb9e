//! One picture: what blocks.

use std::error::Error;
use std::fs;
use std::io::Cursor;
use std::path::Path;

use anyloop::async_wrap;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use crate::album::Gauge;

pub(crate) type Problem = Box<dyn Error + Send + Sync>;

/// How many MiB it takes to decode a picture: for its pixels, which its header tells, and for its file.
#[async_wrap]
pub(crate) fn mebibytes(path: &Path) -> Result<usize, Problem> {
    let bytes = decoder(path)?.total_bytes().saturating_add(fs::metadata(path)?.len());
    Ok(usize::try_from(bytes.div_ceil(1 << 20))?.max(1))
}

/// Writes the picture to `output`, in no more than `size` pixels in either direction.
#[async_wrap]
pub(crate) fn shrink(
    path: &Path,
    output: &Path,
    size: u32,
    mebibytes: usize,
    gauge: &Gauge,
) -> Result<(), Problem> {
    let _taken = gauge.take(mebibytes);
    let mut decoder = decoder(path)?;
    let orientation = decoder.orientation()?;
    let mut picture = DynamicImage::from_decoder(decoder)?;
    picture = small(picture, size);
    // How a camera was held; cheaper now that the picture is small.
    picture.apply_orientation(orientation);
    // A file is written only when all of it is there.
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, ImageFormat::from_path(output)?)?;
    Ok(fs::write(output, file.into_inner())?)
}

/// What the file is, its content says; its name might be wrong.
fn decoder(path: &Path) -> Result<impl ImageDecoder, Problem> {
    let mut reader = ImageReader::open(path)?.with_guessed_format()?;
    // How much there is in memory at a time, the limiter sees to.
    reader.limits(Limits::no_limits());
    Ok(reader.into_decoder()?)
}

/// Of how many pixels, in each direction, one is made at a time. `image` adds their values up in 32 bits, for which those of
/// 16 bits are too many from 257 x 257 of them on, and those of 8 bits from 4105 x 4105 on.
const STEP: u32 = 64;

/// The picture in no more than `size` pixels in either direction.
fn small(mut picture: DynamicImage, size: u32) -> DynamicImage {
    while picture.width() > size || picture.height() > size {
        let [width, height] = [picture.width(), picture.height()].map(|now| now.div_ceil(STEP).max(size));
        picture = picture.thumbnail(width, height);
    }
    picture
}

#[cfg(test)]
mod tests {
    use image::{GenericImageView, ImageBuffer, Luma};

    use super::*;

    #[test]
    fn a_picture_of_one_colour_keeps_it_however_small_it_becomes() {
        let deep: DynamicImage = ImageBuffer::from_pixel(300, 2_000, Luma([u16::MAX - 1])).into();
        let large: DynamicImage = ImageBuffer::from_pixel(4_200, 4_200, Luma([254_u8])).into();
        for size in [1, 2, 100] {
            let deep = small(deep.clone(), size).to_luma16();
            assert!(deep.pixels().all(|pixel| *pixel == Luma([u16::MAX - 1])), "{size}");
        }
        let large = small(large, 1);
        assert_eq!((large.dimensions(), large.to_luma8().get_pixel(0, 0)), ((1, 1), &Luma([254])));
        assert_eq!(small(deep.clone(), 100).dimensions(), (15, 100));
        assert_eq!(small(deep, 2_000).dimensions(), (300, 2_000));
    }
}
