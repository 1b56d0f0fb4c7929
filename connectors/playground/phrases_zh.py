"""
What simulated people say in Chinese. Slots in braces are filled by `connectors.playground.phrases`.
"""

from __future__ import annotations

from connectors.playground.wishes import Wish

PHRASES: dict[Wish, tuple[str, ...]] = {
    Wish.SHIPPING: (
        "请问{product}可以寄到{city}吗？",
        "寄到{city}一般要几天呀？",
        "快递显示“运输中”已经{days}天了，正常吗？{emoji}",
        "去{city}的运费多少钱？",
        "能不能加急？我{days}天后就要出门了",
        "物流页面一片空白：{link}\n\n到底发货了没有？",
        "周末送货吗？平时家里没人",
        "我要搬去{city}了，{order}还能改地址吗？",
    ),
    Wish.STOCK: (
        "{colour}的{product}还会补货吗？",
        "又卖完了？！{product}什么时候有货？",
        "{city}的门店还有{product}吗？",
        "页面写着还剩2件，购物车里却是0 {emoji} 到底有没有？",
        "{product}下一批可以预订吗？",
        "我们团队要{days}个{product}，库存够吗？",
    ),
    Wish.SIZE: (
        "{product}偏小吗？我平时穿{size}",
        "求{product} {size}码的具体尺寸，谢谢",
        "身高一米九穿{size}合适吗？",
        "在{link}没找到尺码表，能发一份吗？",
        "买的{size}太大了，可以换小一号吗？",
    ),
    Wish.REFUND: (
        "{product}退回去{days}天了，{order}的钱还没到账",
        "请问怎么退货？是别人送的礼物",
        "拆开了但没用过，可以退款吗？",
        "只退了{price}，运费呢？订单是{order}",
        "退货标签打不开：{link}，能再发一个吗？",
    ),
    Wish.ORDER: (
        "{order}到哪里了？下单{days}天了",
        "{order}还可以再加一个{product}吗？",
        "地址填错了，麻烦帮我改一下{order} {emoji}",
        "不小心买重了，请帮我取消{order}",
        "{order}没有收到确认邮件，付款成功了吗？",
        "麻烦补开一下{order}的发票，公司报销要用",
    ),
    Wish.COMPLAINT: (
        "已经是第三个坏的{product}了，你们质检在干什么？",
        "客服电话等了{days}0分钟然后直接挂断，太过分了！",
        "{product}用了{days}天就散架了，非常失望",
        "花了{price}，颜色都发错 {emoji}",
        "关于{order}我写了{days}次，没有一个人回复！！",
        "说好次日达，结果等了{days}天，骗人",
        "快递把{product}扔在雨里，谢谢你们啊",
        "以前很喜欢你们家，新款{product}真的不行",
    ),
    Wish.BUG: (
        "一打开{order}应用就闪退 {emoji}",
        "切换语言之后购物车就空了",
        "从今天早上开始登录不了，提示“未知错误417”",
        "优惠码在{link}用不了，一直转圈",
        "手机上付款按钮是灰的，点不了",
        "搜“{product}”没有结果，可是首页就有啊",
    ),
    Wish.REQUEST: (
        "求出{colour}的{product}！{emoji}",
        "{product}能不能提供维修服务？",
        "希望网店加个夜间模式，眼睛受不了",
        "到货的时候可以发邮件提醒吗？",
    ),
    Wish.PRAISE: (
        "{product}今天到了，太完美了 {emoji}",
        "包装{order}的小伙伴，那张小卡片太暖了，谢谢！",
        "{product}用了{days}年还跟新的一样，良心",
        "客服真好，十分钟就解决了{order}的问题",
        "带着{product}去了{city}，风雨无阻 {emoji}",
        "从来没用过这么好的{product} :blobheart:",
    ),
    Wish.PURCHASE: (
        "刚下单了{colour}的{product}！好期待 {emoji}",
        "想给公司买{days}个{product}，有企业价吗？",
        "{city}哪里能买到{product}？现在就想付款",
        "{product}最终价是{price}吗？是的话我要了",
        "有礼品卡卖吗？我妹妹特别喜欢{product}",
    ),
    Wish.SPAM: (
        "在家兼职日赚{price}，想了解的加我 >>> {link}",
        "低价涨粉，一万粉只要{price}，安全快速 {emoji} {link}",
        "恭喜您获得免费手机一部，仅剩{days}个名额，点击{link}",
    ),
    Wish.REMARK: (
        "{colour}的好看 {emoji}{emoji}",
        "多少钱呀？",
        "几点开始？我在{city}，有时差",
        "终于来了！每人限购吗？",
        "图片打不开",
        "有{size}码吗？",
    ),
    Wish.THANKS: (
        "谢谢，回复好快 {emoji}",
        "好的，非常感谢！",
        "明白了，谢谢～",
        "没想到这么快就有人回，赞",
        "谢谢{emoji}这就去下单",
        "知道啦，祝工作顺利",
    ),
    Wish.AGAIN: (
        "那{city}呢？",
        "谢谢，不过我问的不是这个，是{colour}的那款",
        "好吧……那要等多久？",
        "试了两次都不行，怎么办？",
        "{size}码也可以吗？",
        "不好意思再问一句，可以货到付款吗？",
        "{days}天前就这么做过了，有人工客服吗？",
    ),
}
